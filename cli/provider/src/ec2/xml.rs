//! Answers of the query protocol as a small tree. What is too large or too deep is refused.

use quick_xml::Reader;
use quick_xml::events::Event;

/// Deeper than any answer of EC2.
const MOST_DEPTH: usize = 32;
/// Nodes of 1,000 instances with all that EC2 says of each are a tenth of this.
const MOST_NODES: usize = 4_000_000;

/// An element.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Node {
    /// Without a namespace.
    pub name: String,
    /// What stands directly in it, trimmed.
    pub text: String,
    /// Elements in it.
    pub children: Vec<Node>,
}

impl Node {
    /// The first element of that name in it.
    pub fn child(&self, name: &str) -> Option<&Self> {
        self.children.iter().find(|child| child.name == name)
    }

    /// The text at the end of a path of names.
    pub fn at(&self, path: &str) -> Option<&str> {
        let end = path.split('/').try_fold(self, |node, name| node.child(name))?;
        Some(end.text.as_str()).filter(|text| !text.is_empty())
    }

    /// The elements of a list: `<name><item/>…</name>`.
    pub fn items(&self, name: &str) -> impl Iterator<Item = &Self> {
        self.child(name).into_iter().flat_map(|list| list.children.iter())
    }

    /// The first element of that name anywhere in it.
    pub fn find(&self, name: &str) -> Option<&Self> {
        if self.name == name { Some(self) } else { self.children.iter().find_map(|child| child.find(name)) }
    }
}

/// # Errors
/// What is wrong with it.
pub fn parse(text: &str) -> Result<Node, String> {
    let mut reader = Reader::from_str(text);
    let mut open: Vec<Node> = Vec::new();
    let mut nodes = 0_usize;
    loop {
        let event = reader.read_event().map_err(|error| error.to_string())?;
        if open.len() > MOST_DEPTH || nodes > MOST_NODES {
            return Err("it is too large".to_owned());
        }
        let mut closed = None;
        match event {
            Event::Start(start) => {
                let name = String::from_utf8_lossy(start.local_name().as_ref()).into_owned();
                open.push(Node { name, ..Node::default() });
                nodes += 1;
            }
            Event::Empty(start) => {
                let name = String::from_utf8_lossy(start.local_name().as_ref()).into_owned();
                nodes += 1;
                closed = Some(Node { name, ..Node::default() });
            }
            Event::End(_) => closed = open.pop(),
            Event::Text(part) => {
                if let Some(node) = open.last_mut() {
                    node.text.push_str(&part.decode().map_err(|error| error.to_string())?);
                }
            }
            Event::CData(part) => {
                if let Some(node) = open.last_mut() {
                    node.text.push_str(&part.decode().map_err(|error| error.to_string())?);
                }
            }
            Event::GeneralRef(reference) => {
                let name = reference.decode().map_err(|error| error.to_string())?;
                let resolved = match reference.resolve_char_ref() {
                    Ok(Some(c)) => Some(c.to_string()),
                    Ok(None) => quick_xml::escape::resolve_predefined_entity(&name).map(str::to_owned),
                    Err(error) => return Err(error.to_string()),
                };
                let resolved = resolved.ok_or_else(|| format!("unknown entity &{name};"))?;
                if let Some(node) = open.last_mut() {
                    node.text.push_str(&resolved);
                }
            }
            Event::Eof => return Err("it ends too early".to_owned()),
            Event::Decl(_) | Event::Comment(_) | Event::PI(_) | Event::DocType(_) => {}
        }
        if let Some(mut node) = closed {
            node.text = node.text.trim().to_owned();
            match open.last_mut() {
                Some(parent) => parent.children.push(node),
                None => return Ok(node),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_becomes_a_tree() {
        let text = "<?xml version=\"1.0\"?><R xmlns=\"a\"><set><item><id>i-1</id><n>a &amp; &#98; &lt;</n></item>\
                    <item><id>i-2</id></item><item/></set></R>";
        let node = parse(text).unwrap();
        assert_eq!(node.items("set").filter_map(|item| item.at("id")).collect::<Vec<_>>(), ["i-1", "i-2"]);
        assert_eq!(node.at("set/item/n"), Some("a & b <"));
        assert_eq!(node.find("n").map(|n| n.text.as_str()), Some("a & b <"));
    }

    #[test]
    fn hostile_answers_are_refused() {
        let deep = "<a>".repeat(1_000);
        let many = format!("<a>{}</a>", "<b/>".repeat(MOST_NODES));
        for wrong in ["", "no", "<a>", "<a></b>", "<a>&x;</a>", "<a>&#xffffffff;</a>", deep.as_str(), many.as_str()] {
            assert!(parse(wrong).is_err(), "{wrong:.40}");
        }
    }

    #[test]
    fn damage_is_survived() {
        let text = "<?xml version=\"1.0\"?><R a=\"b\"><!-- c --><x>1 &amp; 2</x><![CDATA[d]]><y/></R>";
        assert!(parse(text).is_ok());
        for at in 0..text.len() {
            assert!(parse(&text[..at]).is_err(), "cut off at {at}");
            for other in ['<', '>', '&', '/', '"', ';', '\0', ' '] {
                let damaged = format!("{}{other}{}", &text[..at], &text[at + 1..]);
                // Whatever it is taken for, it ends.
                let _ = parse(&damaged);
            }
        }
    }
}
