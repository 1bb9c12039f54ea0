//! Whole screens, as a person sees them.

use super::*;

fn screen() -> (Ui, Captured) {
    Ui::captured(Options::default())
}

#[test]
fn words_go_to_standard_error_and_data_to_standard_output() {
    let (ui, captured) = screen();
    ui.title("Looking at 3 nodes");
    ui.say("This may take a while.");
    ui.out("client1");
    ui.done("The cluster is ready.");
    ui.warn("client2 answered only at the second attempt, which took so long that its clock may be wrong.");
    ui.trace("client1", "uname -r");
    assert_eq!(captured.out(), "client1\n");
    insta::assert_snapshot!(captured.screen(), @r"
    Looking at 3 nodes
    This may take a while.
    client1
    ✓ The cluster is ready.
    warning: client2 answered only at the second attempt, which took so long that
             its clock may be wrong.
    ");
}

#[test]
fn verbose_shows_commands_and_quiet_hides_words() {
    let (ui, captured) = Ui::captured(Options { verbose: true, quiet: true, ..Options::default() });
    ui.say("hidden");
    ui.progress(&["client1".into()], "hidden").node("client1", "hidden");
    ui.warn("shown");
    ui.trace("client1", "printf '\x1b[2J'");
    assert_eq!(captured.screen(), "warning: shown\n  client1 $ printf ''\n");
}

#[test]
fn json_leaves_nothing_else_on_standard_output() {
    let (ui, captured) = Ui::captured(Options { json: true, ..Options::default() });
    ui.out("a table");
    ui.out_bytes(b"a program's text\n");
    ui.json(&serde_json::json!({ "nodes": ["client1"] })).unwrap();
    assert_eq!(captured.out(), "{\n  \"nodes\": [\n    \"client1\"\n  ]\n}\n");
    assert_eq!(captured.err(), "a table\na program's text\n");
}

#[test]
fn an_error_names_node_reason_and_what_to_type() {
    let (ui, captured) = screen();
    let error = Error::failed("The packages openmpi-bin and libopenmpi-dev could not be installed by apt-get")
        .on("client2")
        .because("E: Unable to locate package openmpi-bin")
        .because("The package lists of that node are 214 days old, and the mirror that they name has moved since then")
        .hinted("Refresh them by `ssh client2 sudo apt-get update`, then run `mpiup up` again.");
    ui.error(&error);
    insta::assert_snapshot!(captured.err(), @r"
    error: client2: The packages openmpi-bin and libopenmpi-dev could not be
           installed by apt-get
      E: Unable to locate package openmpi-bin
      The package lists of that node are 214 days old, and the mirror that they name
      has moved since then
    hint: Refresh them by `ssh client2 sudo apt-get update`, then run `mpiup up`
          again.
    ");
}

#[test]
fn a_snippet_is_kept_as_it_is() {
    let (ui, captured) = screen();
    let snippet = "mpiup.toml:12:1\n   |\n12 | usr = \"mpi\"   # a comment that makes this line a good deal longer than eighty columns\n   | ^^^";
    ui.error(&Error::usage("There is no key `usr` in `[cluster]`").because(snippet).hinted("Did you mean `user`?"));
    insta::assert_snapshot!(captured.err(), @r#"
    error: There is no key `usr` in `[cluster]`
      mpiup.toml:12:1
         |
      12 | usr = "mpi"   # a comment that makes this line a good deal longer than eighty columns
         | ^^^
    hint: Did you mean `user`?
    "#);
}

#[test]
fn a_programs_own_code_needs_no_words_and_differences_are_no_error() {
    let (ui, captured) = screen();
    ui.error(&Error::new(crate::error::Kind::Program(7), "ended with 7"));
    assert_eq!(captured.err(), "");
    ui.error(&Error::new(crate::error::Kind::Differences, "2 nodes differ from mpiup.toml."));
    assert_eq!(captured.err(), "2 nodes differ from mpiup.toml.\n");
}

#[test]
fn a_question_takes_yes_no_and_the_default() {
    let (ui, captured) = screen();
    for answer in ["", "maybe", "sí", "N"] {
        captured.answer(answer);
    }
    assert!(ui.confirm("Go ahead?", true).unwrap());
    assert!(ui.confirm("Go ahead?", false).unwrap());
    assert!(!ui.confirm("Go ahead?", true).unwrap());
    insta::assert_snapshot!(captured.err(), @r"
    Go ahead? [Y/n] 
    Go ahead? [y/N] maybe
    Please answer y or n.
    Go ahead? [y/N] sí
    Go ahead? [Y/n] N
    ");
}

#[test]
fn with_nobody_to_ask_a_question_is_a_usage_error() {
    let (ui, captured) = screen();
    let error = ui.confirm("Go ahead?", true).unwrap_err();
    assert_eq!(error.exit_code(), 2);
    ui.error(&error);
    insta::assert_snapshot!(captured.err(), @r#"
    error: there is no terminal to ask on ("Go ahead?")
    hint: Give `--yes` to go ahead without being asked.
    "#);
}

#[test]
fn progress_without_a_terminal_is_a_line_per_event() {
    let (ui, captured) = screen();
    let nodes = ["master", "client1", "client2"].map(str::to_owned);
    let progress = ui.progress(&nodes, "Making the cluster");
    progress.node("master", "writing /etc/hosts");
    progress.node("client1", "installing packages");
    progress.node("client1", "installing packages");
    progress.say("client2: fingerprint SHA256:abc");
    progress.finish("master", Outcome::Done);
    progress.finish("client1", Outcome::Same);
    progress.finish("client2", Outcome::Failed("It did not answer within 5 s.\nssh: timed out".into()));
    drop(progress);
    assert_eq!(captured.out(), "");
    insta::assert_snapshot!(captured.err(), @r"
    Making the cluster
      master: writing /etc/hosts
      client1: installing packages
    client2: fingerprint SHA256:abc
      client2: failed: It did not answer within 5 s.
    ✗ Making the cluster: 1 done, 1 unchanged, 1 failed of 3 nodes
    ");
}

#[test]
fn a_table_is_data_and_fits_the_screen() {
    let (ui, captured) = screen();
    let mut table = Table::new(&["node", "state"]);
    table.row(["client1".to_owned(), "word ".repeat(30)]);
    ui.table(&table);
    assert_eq!(captured.err(), "");
    insta::assert_snapshot!(captured.out(), @r"
    node     state
    client1  word word word word word word word word word word word word word word …
    ");
}

#[test]
fn the_screen_may_be_used_from_every_task() {
    fn shared<T: Clone + Send + Sync + 'static>(_: &T) {}
    let (ui, _captured) = screen();
    shared(&ui);
    shared(&ui.progress(&[], "Nothing"));
}
