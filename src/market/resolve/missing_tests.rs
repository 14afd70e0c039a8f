use super::samples::{choose, pin, universe, wanted};
use super::*;

fn missing(universe: &Universe, roots: &str) -> Vec<String> {
    let roots: Vec<_> = roots.split(',').map(|root| wanted(root.trim())).collect();
    universe.missing(&roots).iter().map(ToString::to_string).collect()
}

#[test]
fn roots_are_missing_first_then_what_they_need() {
    assert_eq!(missing(&Universe::new(), "b, a"), ["a", "b"]);
    let some = universe("a 1.0.0 : c ^1; d ^1 \n d 1.0.0 : e *; a * \n f 1.0.0 : g *");
    assert_eq!(missing(&some, "a, b"), ["b", "c", "e"], "f is needed by nobody");
    let all = universe("a 1.0.0 : c ^1 \n c");
    assert_eq!(missing(&all, "a"), [""; 0], "that nobody knows c is known");
}

#[test]
fn only_candidates_that_could_be_chosen_count() {
    let some = universe(
        "a 1.0.0 : one *
         a 2.0.0 : two *; b ^1
         a 1.5.0 !yanked : three *
         a 2.0.0 @2 : four *
         b 1.0.0 : five *
         b 2.0.0 : six *",
    );
    let some = pin(some, "a", 1);
    assert_eq!(missing(&some, "a"), ["five", "one", "two"]);
    assert_eq!(missing(&some, "a ^2"), ["five", "two"]);
    assert_eq!(missing(&some, "a ^1"), ["one"]);
    assert_eq!(missing(&some, "a =1.5.0"), ["three"]);
    assert_eq!(missing(&some, "a @2"), ["four"]);
    assert_eq!(missing(&some, "a ^9"), [""; 0]);
    assert_eq!(missing(&some, "b, a ^2"), ["five", "six", "two"]);
    assert_eq!(missing(&some, "b ^2, a ^2"), ["six", "two"], "what the user asked for excludes b 1.0.0");
}

#[test]
fn looking_up_what_is_missing_comes_to_an_end() {
    // Each name needs the next, and there are more of them than may be looked at.
    let mut universe = Universe::new();
    let mut rounds = 0;
    loop {
        let names = universe.missing(&[wanted("p0")]);
        if names.is_empty() {
            break;
        }
        for name in names {
            let at: usize = name.as_str()[1..].parse().unwrap();
            let known = samples::universe(&format!("p{at} 1.0.0 : p{} *", at + 1)).get(&name).unwrap().clone();
            universe.insert(name, known);
        }
        rounds += 1;
        assert!(rounds <= MAX_PACKAGES + 1);
    }
    assert_eq!(choose(&universe, "p0"), Err(Conflict::TooLarge));
    let wide: Vec<_> = (0..=MAX_PACKAGES).map(|at| format!("n{at} *")).collect();
    let wide = samples::universe(&format!("a 1.0.0 : {}", wide.join("; ")));
    assert_eq!(missing(&wide, "a").len(), MAX_PACKAGES);
}
