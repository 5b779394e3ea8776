//! The files' form: `[section]`, `key = value`, and values with keys of their own, which are indented.

use std::collections::BTreeMap;

/// Keys and values by section; a key below another one is `outer.inner`.
pub type Sections = BTreeMap<String, BTreeMap<String, String>>;

/// # Errors
/// The number of a line that is neither.
pub fn parse(text: &str) -> Result<Sections, usize> {
    let mut sections = Sections::default();
    let (mut section, mut outer) = (None::<String>, String::new());
    for (index, line) in text.lines().enumerate() {
        let indented = line.starts_with([' ', '\t']);
        let line = line.trim();
        if line.is_empty() || line.starts_with(['#', ';']) {
            continue;
        }
        if let Some(name) = line.strip_prefix('[') {
            let name = name.split(']').next().filter(|_| line.contains(']')).ok_or(index + 1)?;
            let name = name.split_whitespace().collect::<Vec<_>>().join(" ").replace(['"', '\''], "");
            sections.entry(name.clone()).or_default();
            section = Some(name);
            outer.clear();
            continue;
        }
        let (key, value) = line.split_once('=').ok_or(index + 1)?;
        let (key, value) = (key.trim().to_ascii_lowercase(), value.trim());
        // A comment after a value needs a space before it.
        let value = value.split(" #").next().and_then(|v| v.split(" ;").next()).unwrap_or_default().trim();
        let Some(keys) = section.as_ref().and_then(|name| sections.get_mut(name)) else { return Err(index + 1) };
        if indented && !outer.is_empty() {
            keys.insert(format!("{outer}.{key}"), value.to_owned());
        } else {
            outer.clone_from(&key);
            keys.insert(key, value.to_owned());
        }
    }
    Ok(sections)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sections_keys_and_what_is_below_them() {
        let text = "# mine\n[default]\nregion=eu-central-1 # Frankfurt\n\n[profile  work]\nrole_arn = arn:x\n\
                    services = here\n[services here]\nec2 =\n  endpoint_url = http://127.0.0.1:5000\n";
        let sections = parse(text).unwrap();
        assert_eq!(sections["default"]["region"], "eu-central-1");
        assert_eq!(sections["profile work"]["role_arn"], "arn:x");
        assert_eq!(sections["services here"]["ec2.endpoint_url"], "http://127.0.0.1:5000");
    }

    #[test]
    fn what_is_no_profile_names_its_line() {
        for (text, line) in [("[a]\nb", 2), ("a = b", 1), ("[a", 1), ("[a]\n\n=\nx", 4)] {
            assert_eq!(parse(text), Err(line), "{text:?}");
        }
    }
}
