//! What is rendered for people: a changed rule is a changed line in review.

use mapi_session_spec::{catalogue, lifecycle, render};

#[test]
fn the_lifecycle_is_drawn_from_its_moves() {
    insta::assert_snapshot!(lifecycle::mermaid());
}

#[test]
fn the_catalogue_is_listed_a_line_each() {
    insta::assert_snapshot!(render::list());
}

#[test]
fn the_outcome_tables_are_asked_of_the_rules() {
    insta::assert_snapshot!(render::tables());
}

#[test]
fn every_requirement_is_shown_whole() {
    let all: Vec<String> = catalogue().map(render::requirement).collect();
    insta::assert_snapshot!(all.join("\n----\n\n"));
}
