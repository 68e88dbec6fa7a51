//! `judge` on recordings, as other programs and other people's recorders write them.

mod support;

use std::fmt::Write as _;

use support::{Ran, conform, says, scratch};

/// A client that opens and releases so many tables, on eight threads in turn.
fn long_recording(tables: usize) -> String {
    let mut text = String::from(concat!(
        "{\"schema\":\"mapi-conform/trace/1\",\"era\":\"fast-shutdown\"}\n",
        "{\"call\":\"MAPIInitialize\",\"id\":1}\n{\"return\":1,\"result\":\"S_OK\"}\n",
        "{\"call\":\"MAPILogonEx\",\"id\":2,\"profile\":\"p\",\"flags\":[\"MAPI_EXTENDED\"]}\n",
        "{\"return\":2,\"result\":\"S_OK\",\"out\":{\"session\":\"s1\"}}\n",
    ));
    for table in 0..tables {
        let (id, thread) = (3 + 2 * table, table % 8);
        let name = format!("o{table}");
        let _ = write!(
            text,
            "{{\"call\":\"GetStatusTable\",\"id\":{id},\"object\":\"s1\",\"thread\":{thread}}}\n\
             {{\"return\":{id},\"thread\":{thread},\"result\":\"S_OK\",\"out\":{{\"object\":\"{name}\"}}}}\n\
             {{\"call\":\"Release\",\"id\":{0},\"object\":\"{name}\",\"thread\":{thread}}}\n\
             {{\"return\":{0},\"thread\":{thread}}}\n",
            id + 1
        );
    }
    let id = 3 + 2 * tables;
    let _ = write!(
        text,
        "{{\"call\":\"Logoff\",\"id\":{id},\"object\":\"s1\"}}\n{{\"return\":{id},\"result\":\"S_OK\"}}\n\
         {{\"call\":\"Release\",\"id\":{0},\"object\":\"s1\"}}\n{{\"return\":{0}}}\n\
         {{\"call\":\"MAPIUninitialize\",\"id\":{1}}}\n{{\"return\":{1}}}\n{{\"end\":\"complete\",\"events\":{2}}}\n",
        id + 1,
        id + 2,
        10 + 4 * tables
    );
    text
}

#[test]
fn a_recording_with_more_objects_than_there_are_names_is_judged_to_its_end() {
    let folder = scratch();
    let path = folder.path().join("long.jsonl");
    std::fs::write(&path, long_recording(70_000)).expect("a trace");
    says(&conform(&["judge", path.to_str().expect("a path")]), 0, "280011 events");
}

#[test]
fn a_release_without_a_logoff_is_advice_and_no_deviation() {
    let folder = scratch();
    let path = folder.path().join("short.jsonl");
    let lines = long_recording(0);
    let brief: Vec<&str> = lines
        .lines()
        .filter(|line| !line.contains("Logoff") && !line.starts_with("{\"return\":3,"))
        .collect();
    let brief = format!("{}\n", brief.join("\n")).replace("\"events\":10", "\"events\":8");
    std::fs::write(&path, brief).expect("a trace");
    let ran = conform(&["judge", path.to_str().expect("a path")]);
    says(&ran, 0, "short.jsonl:7: advice: s1 is released without a Logoff");
}

#[test]
fn judge_explains_what_each_event_leaves_possible_and_by_which_rule() {
    let folder = scratch();
    let path = folder.path().join("short.jsonl");
    let hasty =
        long_recording(1).replace("{\"call\":\"Release\",\"id\":4,\"object\":\"o0\",\"thread\":0}\n", "");
    let hasty = hasty.replace("{\"return\":4,\"thread\":0}\n", "").replace("\"events\":14", "\"events\":12");
    std::fs::write(&path, hasty).expect("a trace");
    let ran = conform(&["judge", "--explain", path.to_str().expect("a path")]);
    says(&ran, 1, "BROKEN  DEAD-004");
    insta::assert_snapshot!(ran.stdout.replace(&path.display().to_string(), "short.jsonl"));
}

/// A recording, call by call.
struct Recording {
    lines: Vec<String>,
    ids: usize,
}

const HEAD: &str = r#"{"schema":"mapi-conform/trace/1","starts":"process-start"}"#;
const ATTACHED: &str = r#"{"schema":"mapi-conform/trace/1","starts":"attached"}"#;
const S_OK: &str = r#","result":"S_OK""#;

impl Recording {
    fn after(head: &str) -> Self {
        Self { lines: vec![head.to_owned()], ids: 0 }
    }

    /// From the first call to a session of its own, on this thread.
    fn logged_on() -> Self {
        let mut recording = Self::after(HEAD);
        recording.call("MAPIInitialize", "", S_OK);
        recording.log_on("s1", "MAPI_NEW_SESSION");
        recording
    }

    fn log_on(&mut self, name: &str, flag: &str) {
        let arguments = format!(r#","profile":"p","flags":["MAPI_EXTENDED","{flag}"]"#);
        self.call("MAPILogonEx", &arguments, &format!(r#"{S_OK},"out":{{"session":"{name}"}}"#));
    }

    /// A call begins.
    fn begin(&mut self, call: &str, arguments: &str) -> usize {
        self.ids += 1;
        self.lines.push(format!(r#"{{"call":"{call}","id":{}{arguments}}}"#, self.ids));
        self.ids
    }

    /// A call ends.
    fn end(&mut self, id: usize, answer: &str) {
        self.lines.push(format!(r#"{{"return":{id}{answer}}}"#));
    }

    fn call(&mut self, call: &str, arguments: &str, answer: &str) {
        let id = self.begin(call, arguments);
        self.end(id, answer);
    }

    /// A call on this object, with these further arguments.
    fn on(&mut self, object: &str, call: &str, arguments: &str, answer: &str) {
        self.call(call, &format!(r#","object":"{object}"{arguments}"#), answer);
    }

    /// A callback that returns at once.
    fn back(&mut self, sink: &str, callback: &str, arguments: &str) {
        let id = self.back_begins(sink, callback, arguments);
        self.lines.push(format!(r#"{{"callback_return":{id}}}"#));
    }

    fn back_begins(&mut self, sink: &str, callback: &str, arguments: &str) -> usize {
        self.ids += 1;
        let id = self.ids;
        self.lines.push(format!(r#"{{"callback":"{callback}","id":{id},"object":"{sink}"{arguments}}}"#));
        id
    }

    fn line(&mut self, line: &str) {
        self.lines.push(line.to_owned());
    }

    fn advise(&mut self, session: &str, sink: &str, connection: &str) {
        let arguments =
            format!(r#","object":"{session}","mask":["fnevCriticalError","fnevExtended"],"sink":"{sink}""#);
        let id = self.begin("Advise", &arguments);
        self.back(sink, "AddRef", "");
        self.end(id, &format!(r#"{S_OK},"out":{{"connection":"{connection}"}}"#));
    }

    fn table(&mut self, session: &str, name: &str) {
        self.on(session, "GetStatusTable", "", &format!(r#"{S_OK},"out":{{"table":"{name}"}}"#));
    }

    /// Logoff and Release of these, and MAPIUninitialize.
    fn leave(&mut self, sessions: &[&str]) {
        for session in sessions {
            self.on(session, "Logoff", "", S_OK);
            self.on(session, "Release", "", "");
        }
        self.call("MAPIUninitialize", "", "");
    }

    /// The client gives this back too, if anything, and MAPI.
    fn judged_at_its_end(mut self, given_back: Option<&str>) -> Ran {
        if let Some(name) = given_back {
            self.on(name, "Release", "", "");
        }
        self.call("MAPIUninitialize", "", "");
        self.judged_whole()
    }

    fn judged_whole(mut self) -> Ran {
        self.line(r#"{"end":"complete"}"#);
        self.judged()
    }

    fn judged(self) -> Ran {
        self.judged_with(&[])
    }

    /// Whole, with these options, and the same while it grows.
    fn judged_with(self, options: &[&str]) -> Ran {
        let folder = scratch();
        let path = folder.path().join("recorded.jsonl");
        std::fs::write(&path, self.lines.join("\n") + "\n").expect("a trace");
        let path = path.to_str().expect("a path");
        let judged = conform(&[&["judge", path], options].concat());
        let followed = conform(&[&["judge", "--follow", path], options].concat());
        assert_eq!((followed.code, &followed.stdout), (judged.code, &judged.stdout));
        let told = followed.stderr.lines().filter_map(|line| line.split(": ").nth(1));
        for told in told.filter(|told| told.starts_with("deviation[")) {
            assert!(judged.stdout.contains(told), "told on the way and not in the end: {}", followed.stderr);
        }
        judged
    }
}

const CLEAN: &str = "nothing deviates";

#[test]
fn a_recording_with_more_sessions_and_registrations_than_there_are_slots_is_judged_to_its_end() {
    let mut recording = Recording::after(HEAD);
    recording.call("MAPIInitialize", "", S_OK);
    recording.log_on("first", "MAPI_ALLOW_OTHERS");
    recording.advise("first", "k0", "0x1");
    for number in 1..70_000 {
        let (session, sink, connection) =
            (format!("s{number}"), format!("k{number}"), format!("{:#x}", number + 1));
        let flags = if number % 7 == 0 { "MAPI_ALLOW_OTHERS" } else { "MAPI_UNICODE" };
        let apart = if number % 3 == 0 { "MAPI_NEW_SESSION" } else { flags };
        recording.log_on(&session, apart);
        recording.advise(&session, &sink, &connection);
        let id =
            recording.begin("Unadvise", &format!(r#","object":"{session}","connection":"{connection}""#));
        recording.back(&sink, "Release", "");
        recording.end(id, S_OK);
        recording.on(&session, "Logoff", "", S_OK);
        recording.on(&session, "Release", "", "");
    }
    let id = recording.begin("Unadvise", r#","object":"first","connection":"0x1""#);
    recording.back("k0", "Release", "");
    recording.end(id, S_OK);
    recording.leave(&["first"]);
    says(&recording.judged_whole(), 0, CLEAN);
}

#[test]
fn what_was_given_back_long_ago_is_still_known_to_be_over() {
    for sessions_since in [0, 500] {
        let mut recording = Recording::logged_on();
        recording.on("s1", "Logoff", "", S_OK);
        recording.on("s1", "Release", "", "");
        for number in 0..sessions_since {
            let name = format!("later{number}");
            recording.log_on(&name, "MAPI_NEW_SESSION");
            recording.on(&name, "Logoff", "", S_OK);
            recording.on(&name, "Release", "", "");
        }
        recording.on("s1", "GetStatusTable", "", r#","result":"MAPI_E_INVALID_OBJECT""#);
        recording.call("MAPIUninitialize", "", "");
        says(&recording.judged_whole(), 1, "deviation[DEAD-001]");
    }
}

#[test]
fn what_another_thread_is_giving_back_is_not_left_behind() {
    type Takes = fn(&mut Recording);
    let gives_back: [(&str, Takes, &str, &str); 2] = [
        ("DEAD-004", |r| r.table("s1", "t1"), "Release", r#","object":"t1","thread":1"#),
        (
            "END-001",
            |r| r.advise("s1", "k1", "0x1"),
            "Unadvise",
            r#","object":"s1","connection":"0x1","thread":1"#,
        ),
    ];
    for (requirement, takes, call, arguments) in gives_back {
        for in_time in [true, false] {
            let mut recording = Recording::logged_on();
            takes(&mut recording);
            let given = in_time.then(|| recording.begin(call, arguments));
            let logoff = recording.begin("Logoff", r#","object":"s1""#);
            if let Some(given) = given {
                recording.end(given, r#","result":"S_OK","thread":1"#);
            }
            recording.end(logoff, S_OK);
            recording.on("s1", "Release", "", "");
            recording.call("MAPIUninitialize", "", "");
            let ran = recording.judged_whole();
            if in_time {
                says(&ran, 0, CLEAN);
            } else {
                says(&ran, 1, &format!("deviation[{requirement}]"));
            }
        }
    }
}

#[test]
fn what_a_gap_may_hold_is_held_against_nobody() {
    let mut recording = Recording::logged_on();
    recording.table("s1", "t1");
    recording.advise("s1", "k1", "0x1");
    recording.line(r#"{"gap":4}"#);
    recording.log_on("s2", "MAPI_NEW_SESSION");
    recording.on("s9", "QueryIdentity", "", r#","result":"S_OK""#);
    recording.back("k7", "Release", "");
    recording.leave(&["s1", "s2"]);
    let ran = recording.judged_whole();
    says(&ran, 4, "inconclusive: events are missing");
    assert!(!ran.stdout.contains("deviation["), "{}", ran.stdout);
}

#[test]
fn what_was_before_a_recording_began_is_unknown_and_what_it_shows_is_judged() {
    for forgets in [false, true] {
        let mut recording = Recording::after(ATTACHED);
        recording.line(r#"{"return":900,"result":"S_OK"}"#);
        recording.back("k5", "Release", "");
        recording.on("o5", "Release", "", "");
        recording.on("s4", "Unadvise", r#","connection":"0x9""#, S_OK);
        recording.call(
            "MAPILogonEx",
            r#","profile":null,"flags":["MAPI_EXTENDED"]"#,
            &format!(r#"{S_OK},"out":{{"session":"s1"}}"#),
        );
        recording.on("s4", "Release", "", "");
        recording.on("s4", "Release", "", "");
        recording.call("MAPIUninitialize", "", "");
        recording.on("s7", "Logoff", "", r#","result":"MAPI_E_INVALID_OBJECT""#);
        recording.table("s2", "t1");
        if !forgets {
            recording.on("t1", "Release", "", "");
        }
        recording.on("s2", "Logoff", "", S_OK);
        let ran = recording.judged_whole();
        if forgets {
            says(&ran, 1, "deviation[DEAD-004]");
        } else {
            says(&ran, 0, CLEAN);
        }
    }
}

#[test]
fn a_client_whose_session_broke_off_is_not_blamed_for_what_it_could_not_do() {
    for ending in [r#""crash":"SIGSEGV""#, r#""exit":"0x0""#, r#""exception":true"#] {
        let mut recording = Recording::logged_on();
        let id = recording.begin("QueryIdentity", r#","object":"s1""#);
        recording.line(&format!(r#"{{{ending},"during":{id}}}"#));
        let ran = recording.judged_whole();
        says(&ran, 1, "deviation[SESS-001]");
        assert!(!ran.stdout.contains("the client"), "{}", ran.stdout);
    }
}

#[test]
fn logons_that_overlap_may_have_come_in_either_order() {
    let mut recording = Recording::after(HEAD);
    let (a, b) = (recording.begin("MAPIInitialize", ""), recording.begin("MAPIInitialize", r#","thread":1"#));
    recording.end(b, r#","result":"S_FALSE","thread":1"#);
    recording.end(a, S_OK);
    let arguments = r#","profile":"p","flags":["MAPI_EXTENDED","MAPI_ALLOW_OTHERS"]"#;
    let creates = recording.begin("MAPILogonEx", arguments);
    let joins = recording.begin("MAPILogonEx", r#","profile":null,"flags":["MAPI_EXTENDED"],"thread":1"#);
    recording.end(joins, r#","result":"S_OK","out":{"session":"s2"},"thread":1"#);
    recording.end(creates, r#","result":"S_OK","out":{"session":"s1"}"#);
    recording.on("s1", "Logoff", "", S_OK);
    recording.on("s1", "Release", "", "");
    recording.call("MAPIUninitialize", "", "");
    recording.leave(&["s2"]);
    says(&recording.judged_whole(), 0, CLEAN);
}

#[test]
fn a_further_pointer_to_a_session_is_the_session() {
    for keeps_it in [false, true] {
        let mut recording = Recording::logged_on();
        recording.on(
            "s1",
            "QueryInterface",
            r#","iid":"IID_IUnknown""#,
            &format!(r#"{S_OK},"out":{{"object":"u1"}}"#),
        );
        recording.on("u1", "Logoff", "", S_OK);
        recording.on("s1", "Release", "", "");
        let ran = recording.judged_at_its_end((!keeps_it).then_some("u1"));
        if keeps_it {
            says(&ran, 1, "deviation[INIT-005]");
        } else {
            says(&ran, 0, CLEAN);
        }
    }
}

#[test]
fn a_session_may_be_asked_and_held_by_way_of_its_client_shutdown() {
    for (keeps_it, unheard) in [(false, "MAPI_E_INTERFACE_NOT_SUPPORTED"), (true, "MAPI_E_NO_SUPPORT")] {
        let mut recording = Recording::logged_on();
        let gives = |name| format!(r#"{S_OK},"out":{{"object":"{name}"}}"#);
        recording.on("s1", "QueryInterface", r#","iid":"IID_IMAPIClientShutdown""#, &gives("c1"));
        recording.on("c1", "QueryInterface", r#","iid":"IID_IMAPISession""#, &gives("u1"));
        recording.on("c1", "QueryInterface", r#","iid":"unheard""#, &format!(r#","result":"{unheard}""#));
        recording.on("s1", "Release", "", "");
        recording.on("u1", "Logoff", "", S_OK);
        recording.on("c1", "Release", "", "");
        let ran = recording.judged_at_its_end((!keeps_it).then_some("u1"));
        if keeps_it {
            says(&ran, 1, "deviation[INIT-005]");
            says(&ran, 1, "deviation[UNK-011]");
        } else {
            says(&ran, 0, CLEAN);
        }
    }
}

#[test]
fn a_table_is_held_until_every_pointer_to_it_was_given_back() {
    for pointers in ["t1", "t2"] {
        let mut recording = Recording::logged_on();
        recording.table("s1", "t1");
        let gives = format!(r#"{S_OK},"out":{{"object":"t2"}}"#);
        recording.on("t1", "QueryInterface", r#","iid":"IID_IUnknown""#, &gives);
        recording.on("t1", "Release", "", "");
        recording.on("t1", "GetRowCount", "", S_OK);
        if pointers == "t2" {
            recording.on("t2", "Release", "", "");
        }
        recording.leave(&["s1"]);
        let ran = recording.judged_whole();
        if pointers == "t2" { says(&ran, 0, CLEAN) } else { says(&ran, 1, "deviation[DEAD-004]") }
    }
}

#[test]
fn each_process_of_a_recording_initialises_for_itself() {
    let mut recording = Recording::after(HEAD);
    let there = r#","process":"b""#;
    recording.call("MAPIInitialize", "", S_OK);
    recording.call(
        "MAPILogonEx",
        &format!(r#"{there},"profile":"p","flags":["MAPI_EXTENDED"]"#),
        r#","result":"MAPI_E_NOT_INITIALIZED""#,
    );
    recording.call("MAPIUninitialize", "", "");
    says(&recording.judged_whole(), 1, "deviation[INIT-001]");
}

#[test]
fn a_recording_that_is_cut_off_is_no_clean_one() {
    let mut recording = Recording::logged_on();
    recording.on("s1", "QueryIdentity", "", S_OK);
    says(&recording.judged(), 4, "END-005: the trace stops before its end");
    let mut recording = Recording::logged_on();
    recording.leave(&["s1"]);
    says(&recording.judged(), 0, CLEAN);
}

#[test]
fn calls_that_no_rule_is_about_are_read_and_pass() {
    let mut recording = Recording::logged_on();
    recording.table("s1", "t1");
    recording.on("t1", "GetLastError", "", S_OK);
    recording.on(
        "t1",
        "QueryInterface",
        r#","iid":"IID_IUnknown""#,
        &format!(r#"{S_OK},"out":{{"object":"t2"}}"#),
    );
    recording.on("t2", "Release", "", "");
    recording.on("t1", "Release", "", "");
    recording.on("s1", "Unadvise", r#","connection":"0x77""#, r#","result":"MAPI_E_NOT_FOUND""#);
    recording.leave(&["s1"]);
    says(&recording.judged_whole(), 0, CLEAN);
}

#[test]
fn a_sink_need_not_be_given_back_while_it_is_being_told() {
    let mut recording = Recording::logged_on();
    recording.advise("s1", "k1", "0x1");
    let told = recording.back_begins("k1", "OnNotify", r#","events":["fnevExtended"],"thread":1"#);
    recording.on("s1", "Unadvise", r#","connection":"0x1""#, S_OK);
    recording.line(r#"{"settled":200}"#);
    recording.line(&format!(r#"{{"callback_return":{told},"thread":1}}"#));
    recording.back("k1", "Release", r#","thread":1"#);
    recording.line(r#"{"settled":200}"#);
    recording.leave(&["s1"]);
    says(&recording.judged_whole(), 0, CLEAN);
}

#[test]
fn a_sink_that_is_given_back_and_registered_anew_was_given_back() {
    let mut recording = Recording::logged_on();
    recording.advise("s1", "k1", "0x1");
    let id = recording.begin("Unadvise", r#","object":"s1","connection":"0x1""#);
    recording.back("k1", "Release", "");
    recording.end(id, S_OK);
    recording.advise("s1", "k1", "0x2");
    recording.line(r#"{"settled":200}"#);
    let id = recording.begin("Unadvise", r#","object":"s1","connection":"0x2""#);
    recording.back("k1", "Release", "");
    recording.end(id, S_OK);
    recording.leave(&["s1"]);
    says(&recording.judged_whole(), 0, CLEAN);
}

#[test]
fn threads_may_have_the_systems_own_numbers() {
    let mut recording = Recording::logged_on();
    let (asks, opens) = (r#","object":"s1","thread":48213"#, r#","object":"s1","thread":48214"#);
    let (a, b) = (recording.begin("QueryIdentity", asks), recording.begin("GetStatusTable", opens));
    recording.end(a, r#","result":"S_OK","thread":48213"#);
    recording.end(b, r#","result":"S_OK","out":{"table":"t1"},"thread":48214"#);
    recording.on("t1", "Release", r#","thread":48214"#, r#","thread":48214"#);
    recording.leave(&["s1"]);
    says(&recording.judged_whole(), 0, CLEAN);
    let mut recording = Recording::logged_on();
    let id = recording.begin("QueryIdentity", asks);
    recording.end(id, r#","result":"S_OK","thread":48299"#);
    says(&recording.judged_whole(), 2, "this is another thread than the call's");
}

/// A client that asks its session so many times after it has logged off, and releases it.
fn asked_after_its_logoff(times: usize) -> Recording {
    let mut recording = Recording::logged_on();
    recording.on("s1", "Logoff", "", S_OK);
    for _ in 0..times {
        recording.on("s1", "QueryIdentity", "", r#","result":"MAPI_E_INVALID_OBJECT""#);
    }
    recording.on("s1", "Release", "", "");
    recording
}

#[test]
fn who_does_the_same_wrong_many_times_is_told_once_and_in_which_lines() {
    let mut recording = asked_after_its_logoff(20);
    recording.call("MAPIUninitialize", "", "");
    let ran = recording.judged_whole();
    says(&ran, 1, "again    in lines 10, 12, 14, 16, 18, 20, 22, 24 and 11 more");
    assert_eq!(ran.stdout.matches("deviation[DEAD-001]").count(), 1, "{}", ran.stdout);
}

#[test]
fn who_is_wrong_once_after_others_were_a_thousand_times_is_told_too() {
    let mut recording = asked_after_its_logoff(1_100);
    recording.log_on("s2", "MAPI_NEW_SESSION");
    recording.on("s2", "Logoff", "", r#","result":"S_FALSE""#);
    recording.on("s2", "Release", "", "");
    recording.call("MAPIUninitialize", "", "");
    recording.line(r#"{"end":"complete"}"#);
    let ran = recording.judged_with(&["--hold", "session"]);
    says(&ran, 1, "deviation[LOGOFF-009]");
    assert!(ran.stdout.contains("100 deviations more, which are not listed"), "{}", ran.stdout);
}

#[test]
fn a_process_that_shows_only_after_a_gap_may_have_initialised_in_it() {
    let mut recording = Recording::logged_on();
    recording.line(r#"{"gap":3}"#);
    recording.on("s1", "QueryIdentity", "", S_OK);
    let arguments = r#","process":"b","profile":"p","flags":["MAPI_EXTENDED"]"#;
    recording.call("MAPILogonEx", arguments, &format!(r#"{S_OK},"out":{{"session":"s2"}}"#));
    let ran = recording.judged();
    says(&ran, 4, "inconclusive: events are missing");
    assert!(!ran.stdout.contains("deviation["), "{}", ran.stdout);
}

#[test]
fn habits_around_fast_shutdown_are_advice_and_what_is_left_behind_by_it_is_right() {
    let shutting_down = |refused: bool, releases: bool| {
        let mut recording = Recording::logged_on();
        let gives = format!(r#"{S_OK},"out":{{"object":"c1"}}"#);
        recording.on("s1", "QueryInterface", r#","iid":"IID_IMAPIClientShutdown""#, &gives);
        let answer = if refused { r#","result":"MAPI_E_NO_SUPPORT""# } else { S_OK };
        recording.on("c1", "QueryFastShutdown", "", answer);
        recording.on("c1", "NotifyProcessShutdown", "", S_OK);
        recording.on("c1", "DoFastShutdown", "", S_OK);
        if releases {
            recording.on("c1", "Release", "", "");
            recording.on("s1", "Release", "", "");
        }
        recording.judged_whole()
    };
    let ran = shutting_down(false, false);
    says(&ran, 0, CLEAN);
    assert!(!ran.stdout.contains("advice"), "{}", ran.stdout);
    says(&shutting_down(true, false), 0, "recorded.jsonl:11: advice: NotifyProcessShutdown after");
    says(&shutting_down(false, true), 0, "recorded.jsonl:15: advice: Release after DoFastShutdown");
}
