use proptest::prelude::*;

use super::*;

fn any_spans() -> impl Strategy<Value = Vec<Span>> {
    let length = prop_oneof![1..20_u32, 1..=u32::MAX];
    let span = (0..Class::ALL.len(), length).prop_map(|(class, length)| Span {
        class: Class::ALL[class],
        length,
    });
    proptest::collection::vec(span, 0..50)
}

proptest! {
    #[test]
    fn spans_come_back_as_they_were(code in "[a-zé😀\n]{0,80}", cuts in proptest::collection::vec((0..80_usize, 0..16_usize), 0..20)) {
        let mut painter = Painter::default();
        let mut ends: Vec<(usize, usize)> = cuts
            .into_iter()
            .map(|(at, class)| (code.floor_char_boundary(at), class))
            .collect();
        ends.sort_unstable();
        for (end, class) in ends {
            painter.fill(end, Class::ALL[class]);
        }
        let spans = painter.finish();
        prop_assert_eq!(decode(&encode(&spans), &code), Some(spans));
    }

    #[test]
    fn what_can_not_be_of_the_code_is_refused(spans in any_spans(), code in "[aé]{0,40}") {
        if let Some(decoded) = decode(&encode(&spans), &code) {
            let mut end = 0;
            for span in &decoded {
                end += span.length as usize;
                prop_assert!(span.length > 0 && end <= code.len() && code.is_char_boundary(end));
            }
            prop_assert_eq!(decoded, spans);
        }
    }

    #[test]
    fn any_bytes_are_spans_of_the_code_or_nothing(bytes in proptest::collection::vec(any::<u8>(), 0..40), code in "[aé]{0,200}") {
        if let Some(spans) = decode(&bytes, &code) {
            let end: usize = spans.iter().map(|span| span.length as usize).sum();
            prop_assert!(end <= code.len() && code.is_char_boundary(end));
        }
    }
}

#[test]
fn each_class_has_its_place_and_a_name_of_its_own() {
    for (at, class) in Class::ALL.into_iter().enumerate() {
        assert_eq!(class as usize, at);
    }
    let names: std::collections::BTreeSet<_> =
        Class::ALL.iter().map(|class| class.name()).collect();
    assert_eq!(names.len(), Class::ALL.len());
}

#[test]
fn neighbours_of_one_class_are_one_span() {
    let mut painter = Painter::default();
    painter.fill(2, Class::Keyword);
    painter.fill(1, Class::Type);
    painter.fill(4, Class::Keyword);
    painter.fill(6, Class::Plain);
    let spans = painter.finish();
    assert_eq!(
        spans,
        [Span {
            class: Class::Keyword,
            length: 4
        }]
    );
}
