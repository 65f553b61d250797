"""Keyword extraction by RAKE (Rose, Engel, Cramer and Cowley, 2010): a phrase is what stands between stop words, and counts
the more its words stand together with others.

`run` gets the input of the service and returns its output, as the types in its Rust source say. `context` has

    context.progress(0.5, "Half of it")     how far the run is
    context.emit("text")                    a part of the output that the user may see already
    raise context.unusable("Why.")          the input cannot be worked on, and the user reads why

Any other exception is a failure, which is logged and costs the user nothing. What is loaded here, outside of `run`, is
loaded once for many runs. `print` and `logging` write to the application's log.
"""

import RAKE

FINDER = RAKE.Rake(RAKE.SmartStopList())


def run(input, context):
    context.progress(0.1, "Reading the text")
    found = FINDER.run(input["text"], minCharacters=3, maxWords=4)
    # A number is no keyword: its score is 0.
    keywords = [{"phrase": phrase, "score": round(score, 2)} for phrase, score in found if score > 0]
    if not keywords:
        raise context.unusable("There are no keywords in this text: it says nothing beyond the commonest words.")
    return {"keywords": keywords[: input["most"]]}
