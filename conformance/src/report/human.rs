//! The report a person reads at two in the morning.

use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};
use mapi_session_spec::requirement;

use super::words;
use crate::report::json::Context;
use crate::run::{Finding, Findings, Status};

const BAD: Style = Style::new().fg_color(Some(anstyle::Color::Ansi(AnsiColor::Red))).bold();
const GOOD: Style = Style::new().fg_color(Some(anstyle::Color::Ansi(AnsiColor::Green))).bold();
const DIM: Style = Style::new().dimmed();
const BOLD: Style = Style::new().bold();

/// The whole report, with colour codes; the stream that prints it removes them where there is no terminal.
pub fn report(findings: &Findings, context: &Context) -> String {
    let mut text = String::new();
    let _ = writeln!(
        text,
        "{BOLD}mapi-conform {}{BOLD:#}  {} {}  level {}, era {}, suite {}, seed {}",
        context.version,
        context.subject.kind(),
        crate::text::harmless(&context.subject.name()),
        findings.demand.level,
        findings.demand.era,
        context.suites.join(","),
        context.seed,
    );
    for finding in &findings.deviations {
        text.push('\n');
        deviation(&mut text, finding, context);
    }
    text.push('\n');
    summary(&mut text, findings, context);
    text
}

/// How many lines of a trace are shown at most, and how many of these are its first.
const MOST_LINES: usize = 160;
const FIRST_LINES: usize = 40;

fn deviation(text: &mut String, finding: &Finding, context: &Context) {
    let known = requirement::find(finding.requirement);
    let name = known.map_or("", |r| r.name);
    let _ = writeln!(text, "{BAD}deviation[{}]{BAD:#}{BOLD}: {name}{BOLD:#}", finding.requirement);
    if let Some(known) = known {
        for line in wrapped(known.text, 96) {
            let _ = writeln!(text, "  {line}");
        }
    }
    let _ = writeln!(text, "  {DIM}blame{DIM:#}    the {}", finding.blame);
    for allowed in &finding.allowed {
        let _ = writeln!(text, "  {DIM}allowed{DIM:#}  {allowed}");
    }
    let _ = writeln!(text, "  {DIM}came{DIM:#}     {} ({})", finding.observed, finding.kind.name());
    let _ = writeln!(text, "  {DIM}trace{DIM:#}");
    let lines = words::trace(&finding.evidence.events, Some(&finding.evidence.deviation));
    let first = if lines.len() > MOST_LINES { FIRST_LINES } else { lines.len() };
    for line in &lines[..first] {
        let _ = writeln!(text, "    {line}");
    }
    if lines.len() > MOST_LINES {
        let left_out = lines.len() - MOST_LINES;
        let _ = writeln!(
            text,
            "          {DIM}… {left_out} more lines, which `--traces DIR` writes whole …{DIM:#}"
        );
        for line in &lines[lines.len() - (MOST_LINES - FIRST_LINES)..] {
            let _ = writeln!(text, "    {line}");
        }
    }
    if let Some(known) = known {
        for source in known.sources {
            let _ = writeln!(text, "  {DIM}source{DIM:#}   {}, {}", source.document, source.section);
        }
    }
    let levels: Vec<String> = finding.evidence.levels.iter().map(ToString::to_string).collect();
    let _ = writeln!(text, "  {DIM}levels{DIM:#}   {}", levels.join(", "));
    let _ = writeln!(text, "  {DIM}decided{DIM:#}  {}", finding.evidence.decided_by);
    if !finding.follows.is_empty() {
        let follows: Vec<String> = finding.follows.iter().map(ToString::to_string).collect();
        let _ = writeln!(text, "  {DIM}follows{DIM:#}  {}", follows.join(", "));
    }
    let _ = writeln!(text, "  {DIM}again{DIM:#}    {}", context.replay_command(finding));
    if context.traces.is_none() && !finding.evidence.program.races() {
        let _ = writeln!(text, "           once `check … --traces traces` has written the traces");
    }
}

fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let line = lines.last_mut().expect("there is always a line");
        if !line.is_empty() && line.chars().count() + word.chars().count() >= width {
            lines.push(word.to_owned());
        } else {
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
    }
    lines
}

fn summary(text: &mut String, findings: &Findings, context: &Context) {
    let verdict = context.verdict(findings);
    let style = if verdict == "conforms" { GOOD } else { BAD };
    let counts: Vec<String> = Status::ALL
        .into_iter()
        .filter(|status| findings.count(*status) > 0)
        .map(|status| format!("{} {}", findings.count(status), status.name()))
        .collect();
    let _ = writeln!(text, "{} requirements: {}", findings.requirements.len(), counts.join(", "));
    let unexercised: Vec<String> = findings
        .requirements
        .iter()
        .filter(|r| r.status == Status::NotExercised)
        .map(|r| r.id.to_string())
        .collect();
    if !unexercised.is_empty() && unexercised.len() <= 40 {
        let _ = writeln!(text, "not exercised: {}", unexercised.join(" "));
    }
    for why in &findings.inconclusive {
        let _ = writeln!(text, "inconclusive: {why}");
    }
    let _ = writeln!(
        text,
        "{} traces, {} calls, {} of {} goals reached{}",
        findings.traces,
        findings.calls,
        findings.goals.1,
        findings.goals.0,
        if findings.forfeited() > 0 {
            format!(
                ", {} traces forfeited where the caller is to blame or no rule decides ({})",
                findings.forfeited(),
                words::in_order_of_number(&findings.forfeited_by)
            )
        } else {
            String::new()
        },
    );
    let level = findings.demand.level;
    let _ = if verdict == "conforms" && !findings.is_complete() {
        writeln!(
            text,
            "{BAD}nothing deviates{BAD:#} at level {level}, but the run is not whole: see what is inconclusive"
        )
    } else {
        writeln!(text, "{style}{verdict}{style:#} at level {level}")
    };
}
