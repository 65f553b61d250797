//! A PDF file (ISO 32000-1): numbered objects, then the table of where each begins. Nothing in it is compressed: a receipt
//! is small.

use std::fmt::Write as _;

/// The number of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Object(usize);

impl std::fmt::Display for Object {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} 0 R", self.0)
    }
}

/// A file that is being written.
#[derive(Debug)]
pub struct Document {
    bytes: Vec<u8>,
    /// Where each object begins; 0 while its place is only kept.
    starts: Vec<usize>,
}

impl Document {
    pub fn new() -> Self {
        // The comment says that what follows is no text.
        Self {
            bytes: b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n".to_vec(),
            starts: Vec::new(),
        }
    }

    /// A number for what others point to before it is written.
    pub fn reserve(&mut self) -> Object {
        self.starts.push(0);
        Object(self.starts.len())
    }

    pub fn add(&mut self, content: &str) -> Object {
        let object = self.reserve();
        self.fill(object, content);
        object
    }

    pub fn fill(&mut self, object: Object, content: &str) {
        self.begin(object);
        self.bytes.extend(content.as_bytes());
        self.bytes.extend(b"\nendobj\n");
    }

    pub fn stream(&mut self, data: &[u8]) -> Object {
        let object = self.reserve();
        self.begin(object);
        let head = format!("<< /Length {0} /Length1 {0} >>\nstream\n", data.len());
        self.bytes.extend(head.as_bytes());
        self.bytes.extend(data);
        self.bytes.extend(b"\nendstream\nendobj\n");
        object
    }

    fn begin(&mut self, object: Object) {
        self.starts[object.0 - 1] = self.bytes.len();
        self.bytes
            .extend(format!("{} 0 obj\n", object.0).as_bytes());
    }

    /// The whole file, with its catalogue and what it says about itself.
    pub fn finish(mut self, root: Object, info: Object) -> Vec<u8> {
        let (table, size) = (self.bytes.len(), self.starts.len() + 1);
        let mut end = format!("xref\n0 {size}\n0000000000 65535 f \n");
        for start in &self.starts {
            let _ = writeln!(end, "{start:010} 00000 n ");
        }
        let _ = write!(
            end,
            "trailer\n<< /Size {size} /Root {root} /Info {info} >>\nstartxref\n{table}\n%%EOF\n"
        );
        self.bytes.extend(end.as_bytes());
        self.bytes
    }
}

/// Bytes as a string of a PDF.
pub fn hex(bytes: &[u8]) -> String {
    format!("<{}>", crate::crypto::hex(bytes))
}

/// Text outside of pages, as a string of a PDF.
pub fn text(text: &str) -> String {
    let units = std::iter::once(0xfeff).chain(text.encode_utf16());
    hex(&units.flat_map(u16::to_be_bytes).collect::<Vec<u8>>())
}

/// What numbers of a font mean, so that text can be found and copied: pairs of a code of two bytes and letters.
pub fn meanings(pairs: &[(u16, &str)]) -> String {
    let mut map = String::from(
        "/CIDInit /ProcSet findresource begin\n12 dict begin\nbegincmap\n/CMapType 2 def\n/CMapName /Meaning def\n\
         /CIDSystemInfo << /Registry (Adobe) /Ordering (UCS) /Supplement 0 >> def\n\
         1 begincodespacerange\n<0000> <ffff>\nendcodespacerange\n",
    );
    // At most a hundred of them may stand in one list.
    for some in pairs.chunks(100) {
        let _ = writeln!(map, "{} beginbfchar", some.len());
        for (code, letters) in some {
            let units: Vec<u8> = letters.encode_utf16().flat_map(u16::to_be_bytes).collect();
            let _ = writeln!(map, "<{code:04x}> {}", hex(&units));
        }
        map.push_str("endbfchar\n");
    }
    map.push_str("endcmap\nCMapName currentdict /CMap defineresource pop\nend\nend\n");
    map
}
