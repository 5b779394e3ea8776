//! ASCII STL in all its spellings, good and damaged.

use super::*;

fn read_text(text: &str) -> Result<(Vec<Piece<'static>>, Vec<String>), LoadError> {
    read(&Source::from_bytes("test.stl", text.into()), &LoadContext::default())
}

fn facet(z: f32) -> String {
    format!(
        "facet normal 0 0 1\n  outer loop\n    vertex 0 0 {z}\n    vertex 1 0 {z}\n    vertex 0 1 {z}\n  endloop\nendfacet\n"
    )
}

fn shape(pieces: &[Piece]) -> Vec<(String, usize)> {
    pieces.iter().map(|p| (p.name.clone(), crate::mesh::Soup::len(&p.soup))).collect()
}

#[test]
fn white_space_and_line_ends_do_not_matter() {
    let unix = format!("solid a b\n{}{}endsolid a b\n", facet(0.0), facet(1.0));
    let forms = [
        unix.clone(),
        unix.replace('\n', "\r\n"),
        unix.replace('\n', "\r"),
        unix.replace("  ", "\t"),
        unix.to_uppercase().replace("SOLID A B", "SOLID a b"),
        unix.replace(' ', " \x0B\x0C ").replace("a \x0B\x0C b", "a b"),
        format!("\u{feff}{unix}"),
        format!("\n\n  {unix}"),
        format!("solid a b {}{} endsolid a b", facet(0.0).replace('\n', " "), facet(1.0).replace('\n', " ")),
    ];
    for text in forms {
        let (pieces, warnings) = read_text(&text).unwrap();
        assert_eq!(shape(&pieces), [("a b".to_owned(), 2)], "{text:?}");
        assert!(warnings.is_empty(), "{text:?}: {warnings:?}");
    }
}

#[test]
fn a_name_is_not_needed() {
    for start in ["solid\n", "solid \n", "solid\t\n", "solid\r\n", "SOLID\n"] {
        let (pieces, warnings) = read_text(&format!("{start}{}endsolid\n", facet(0.0))).unwrap();
        assert_eq!((shape(&pieces), warnings.len()), (vec![(String::new(), 1)], 0), "{start:?}");
    }
}

#[test]
fn every_solid_is_a_piece_and_empty_ones_are_told() {
    let text = format!(
        "solid one\n{}{}endsolid one\nsolid none\nendsolid none\nsolid two\n{}endsolid two\n",
        facet(0.0),
        facet(1.0),
        facet(2.0)
    );
    let (pieces, warnings) = read_text(&text).unwrap();
    assert_eq!(shape(&pieces), [("one".to_owned(), 2), ("two".to_owned(), 1)]);
    assert_eq!(warnings, ["1 of 3 solids have no facets"]);
}

#[test]
fn names_that_look_like_keywords_are_names() {
    let text = format!("solid my facet vertex endsolid\n{}endsolid my facet\n", facet(0.0));
    let (pieces, warnings) = read_text(&text).unwrap();
    assert_eq!(shape(&pieces), [("my facet vertex endsolid".to_owned(), 1)]);
    assert!(warnings.is_empty());
}

#[test]
fn cuts_lie_at_facets_and_lose_nothing() {
    let text: String = (0..200).map(|i| facet(i as f32)).collect();
    let text = format!("solid facet\n{text}endsolid facet\nsolid b\n{}endsolid b\n", facet(0.0));
    let whole = Chunk::read(text.as_bytes(), 0);
    for size in [1, 10, 50, 100, 1000, 1 << 20] {
        let cuts = cuts(text.as_bytes(), size);
        let mut joined = Chunk::default();
        for range in cuts {
            joined.append(Chunk::read(&text.as_bytes()[range.clone()], range.start));
        }
        assert_eq!(joined.triangles, whole.triangles, "cut every {size} bytes");
        assert_eq!(joined.marks.len(), whole.marks.len());
        assert_eq!(joined.damage.unknown_words, 0);
    }
}

#[test]
fn damage_is_counted_and_the_rest_is_read() {
    let cases = [
        (facet(0.0).replace("1 0 0", "1 0 nan"), "not a number"),
        (facet(0.0).replace("1 0 0", "1 0 inf"), "not a number"),
        (facet(0.0).replace("1 0 0", "1 0 1e30"), "not a number"),
        (facet(0.0).replace("1 0 0", "1 0 abc"), "lack three corners"),
        (facet(0.0).replace("1 0 0", "1 0"), "lack three corners"),
        (facet(0.0).replace("    vertex 1 0 0\n", ""), "lack three corners"),
        (facet(0.0).replace("endfacet", "").replace("endloop", ""), ""),
        (format!("nonsense {}", facet(0.0)), "unknown"),
        ("vertex 1 2 3\n".to_owned(), "unknown"),
    ];
    for (bad, expected) in cases {
        let text = format!("solid x\n{}{bad}{}endsolid x\n", facet(1.0), facet(2.0));
        let (pieces, warnings) = read_text(&text).unwrap();
        assert!(shape(&pieces)[0].1 >= 2, "{text}");
        assert_eq!(warnings.is_empty(), expected.is_empty(), "{text}: {warnings:?}");
        assert!(warnings.concat().contains(expected), "{text}: {warnings:?}");
    }
}

#[test]
fn a_fourth_corner_is_ignored() {
    let text = facet(0.0).replace("  endloop", "    vertex 9 9 9\n  endloop");
    let (pieces, warnings) = read_text(&format!("solid x\n{text}endsolid\n")).unwrap();
    assert_eq!(shape(&pieces), [("x".to_owned(), 1)]);
    assert!(warnings[0].contains("more than three corners"), "{warnings:?}");
}

#[test]
fn a_bad_normal_is_nobodys_business() {
    for normal in ["nan nan nan", "1 0", "", "a b c"] {
        let text = facet(0.0).replace("normal 0 0 1", &format!("normal {normal}"));
        let (pieces, warnings) = read_text(&format!("solid x\n{text}endsolid\n")).unwrap();
        assert_eq!((shape(&pieces)[0].1, warnings.len()), (1, 0), "{normal:?}: {warnings:?}");
    }
}

#[test]
fn a_file_cut_off_anywhere_says_so() {
    let text = format!("solid x\n{}{}endsolid x\n", facet(0.0), facet(1.0));
    let whole = text.find("endsolid").unwrap();
    for length in 0..whole {
        match read_text(&text[..length]) {
            Ok((pieces, warnings)) => {
                assert!(shape(&pieces)[0].1 >= 1);
                assert!(warnings.iter().any(|w| w.contains("endsolid")), "cut at {length}: {warnings:?}");
            }
            Err(error) => assert!(error.to_string().starts_with("test.stl: stl: "), "{error}"),
        }
    }
}

#[test]
fn text_that_is_no_stl_is_an_error_with_the_place() {
    let error = read_text("Dear customer,\nplease find the model attached.\n").err().unwrap();
    assert_eq!(
        error.to_string(),
        "test.stl: stl: no usable facet in it; first damage: the unknown word \"Dear\" (at byte 0)"
    );
}
