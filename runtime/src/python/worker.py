"""Turns a service's program into a worker: it reads runs from its standard input and writes what becomes of them to its
standard output, a JSON object a line. What the program itself prints goes to the log.

The program is `service.py` with a function `run(input, context)` that returns the output.
"""

import importlib.util
import json
import logging
import os
import queue
import sys
import threading
import traceback


class Unusable(Exception):
    """The input cannot be worked on; the user reads why."""


class Context:
    """What a program may know of its run, and say while it works."""

    def __init__(self, application, run):
        self._application = application
        self.run = run

    def progress(self, fraction, message=""):
        """How far it is, from 0 to 1, and with what."""
        self._application.say("progress", run=self.run, fraction=float(fraction), message=str(message))

    def emit(self, text):
        """A part of the output that the user may see already."""
        self._application.say("emit", run=self.run, text=str(text))

    def unusable(self, sentence):
        """What to raise when the input cannot be worked on: `raise context.unusable("The text has no words.")`."""
        return Unusable(str(sentence))


class Application:
    """Whoever has started this worker."""

    def __init__(self):
        # The program gets other streams: what it reads is empty, what it prints goes to the log.
        self._requests = os.fdopen(os.dup(0), "rb")
        self._answers = os.fdopen(os.dup(1), "wb")
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)
        os.close(nothing)
        os.dup2(2, 1)
        # A line at a time, so that none is lost with the process.
        sys.stdout.reconfigure(line_buffering=True)
        self._lock = threading.Lock()
        self.inbox = queue.SimpleQueue()

    def say(self, what, **fields):
        line = json.dumps({"say": what, **fields}, allow_nan=False).encode() + b"\n"
        with self._lock:
            self._answers.write(line)
            self._answers.flush()

    def listen(self):
        for line in self._requests:
            self.inbox.put(json.loads(line))
        # The application is gone, and nobody wants what is under way.
        os._exit(0)


class Log(logging.Handler):
    """Brings what the program logs to the application's log."""

    def __init__(self, application):
        super().__init__()
        self._application = application

    def emit(self, record):
        try:
            self._application.say("log", level=record.levelname, message=self.format(record))
        except Exception:
            self.handleError(record)


def limit(memory):
    """Bounds the memory of this process and of those that it starts; where the system cannot, says so."""
    try:
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        if memory:
            resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    except (ImportError, ValueError, OSError) as fault:
        logging.warning("the memory is not limited here: %s", fault)


def load(folder):
    sys.path.insert(0, folder)
    spec = importlib.util.spec_from_file_location("service", os.path.join(folder, "service.py"))
    module = importlib.util.module_from_spec(spec)
    sys.modules["service"] = module
    spec.loader.exec_module(module)
    return module.run


def work(application, program):
    while True:
        request = application.inbox.get()
        run = request["run"]
        application.say("taken", run=run)
        try:
            output = program(request["input"], Context(application, run))
            application.say("output", run=run, value=output)
        except Unusable as refusal:
            application.say("unusable", run=run, sentence=str(refusal))
        except MemoryError:
            # What is left of the memory is not enough to go on with.
            application.say("failed", run=run, cause="MemoryError")
            os._exit(1)
        except Exception:
            application.say("failed", run=run, cause=traceback.format_exc())


def main(folder, memory):
    application = Application()
    logging.basicConfig(level=logging.INFO, handlers=[Log(application)], format="%(name)s: %(message)s")
    threading.Thread(target=application.listen, daemon=True).start()
    limit(memory)
    program = load(folder)
    application.say("ready")
    work(application, program)


main(sys.argv[1], int(sys.argv[2]))
