//! `stockfold dead-letters`: what could not be used, over the HTTP API of a running engine; looked at, and used again.

use crate::{
    print,
    remote::{Remote, RemoteArgs, refusal, with_query},
};
use anyhow::{Result, ensure};
use clap::{
    Args, Subcommand, ValueEnum,
    builder::{PossibleValuesParser, TypedValueParser},
};
use comfy_table::{Table, presets};
use event_log::LetterKind;
use reqwest::{Method, RequestBuilder};
use schemas::Role;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// How long is waited for what the projectors do; a longer one goes on without being watched.
const WATCHED: Duration = Duration::from_secs(20);
/// The longest reason in a table.
const REASON: usize = 60;

/// What `dead-letters` takes.
#[derive(Debug, Subcommand)]
pub enum DeadLettersCommand {
    /// List what could not be used, newest first
    List(List),
    /// Show one whole, with its original
    Show(Show),
    /// Use them again: submit commands, run lines, publish records, fold parked keys
    Redrive(Redrive),
}

/// The kinds that letters may be asked for by: a redrive is on record beside them, and is none.
fn kinds() -> impl TypedValueParser<Value = LetterKind> {
    let words = LetterKind::ALL.into_iter().filter(|kind| *kind != LetterKind::Redrive).map(LetterKind::as_str);
    PossibleValuesParser::new(words).map(|word| LetterKind::from_word(&word).expect("one of the words"))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Status {
    Open,
    Redriven,
    All,
}

/// What `dead-letters list` takes.
#[derive(Debug, Args)]
pub struct List {
    /// Only those of this key
    #[arg(long)]
    key: Option<String>,
    /// Only those of this kind
    #[arg(long, value_parser = kinds())]
    kind: Option<LetterKind>,
    /// How they stand
    #[arg(long, value_enum, default_value = "open")]
    status: Status,
    /// So many at most
    #[arg(long, default_value_t = 50)]
    limit: usize,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    remote: RemoteArgs,
}

/// What `dead-letters show` takes.
#[derive(Debug, Args)]
pub struct Show {
    /// Which
    id: String,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    remote: RemoteArgs,
}

/// What `dead-letters redrive` takes.
#[derive(Debug, Args)]
pub struct Redrive {
    /// Which; without any those of --key and --kind
    #[arg(conflicts_with_all = ["key", "kind"], required_unless_present_any = ["key", "kind"])]
    ids: Vec<String>,
    /// The open ones of this key
    #[arg(long)]
    key: Option<String>,
    /// The open ones of this kind
    #[arg(long, value_parser = kinds())]
    kind: Option<LetterKind>,
    /// Only say what would be done
    #[arg(long)]
    dry_run: bool,
    /// Also those that a redrive has settled before
    #[arg(long, requires = "ids")]
    again: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    remote: RemoteArgs,
}

/// Runs it.
pub fn run(command: &DeadLettersCommand) -> Result<()> {
    let (args, json) = match command {
        DeadLettersCommand::List(list) => (&list.remote, list.json),
        DeadLettersCommand::Show(show) => (&show.remote, show.json),
        DeadLettersCommand::Redrive(redrive) => (&redrive.remote, redrive.json),
    };
    let remote = Remote::new(args, Role::Operator, "stockfold-dead-letters")?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let answer = runtime.block_on(async {
        match command {
            DeadLettersCommand::List(args) => list(&remote, args).await,
            DeadLettersCommand::Show(args) => ask(&remote, Method::GET, &path_of(&args.id)?, None).await,
            DeadLettersCommand::Redrive(args) => redrive(&remote, args).await,
        }
    })?;
    if json {
        print::line(serde_json::to_string_pretty(&answer)?)?;
        return Ok(());
    }
    let told = match command {
        DeadLettersCommand::List(_) => listed(&answer),
        DeadLettersCommand::Show(_) => shown(&answer),
        DeadLettersCommand::Redrive(_) => redriven(&answer),
    };
    print::line(told)?;
    Ok(())
}

/// An id goes into the path as it is: it has no character that would have to be escaped.
fn path_of(id: &str) -> Result<String> {
    let is_plain = !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
    ensure!(is_plain, "`{id}` is no id of a dead letter: `stockfold dead-letters list` shows them");
    Ok(format!("/v1/dead-letters/{id}"))
}

async fn ask(remote: &Remote, method: Method, path: &str, body: Option<&Value>) -> Result<Value> {
    let fill = |request: RequestBuilder| match body {
        Some(body) => request.json(body),
        None => request,
    };
    let answer = remote.ask(method, path, fill).await?;
    ensure!(answer.status().is_success(), "{}", refusal(answer).await);
    Ok(serde_json::from_slice(&answer.bytes().await?)?)
}

async fn list(remote: &Remote, args: &List) -> Result<Value> {
    let (mut letters, mut cursor) = (Vec::new(), None::<String>);
    let mut has_more = true;
    while has_more && letters.len() < args.limit {
        let mut pairs = vec![("limit", (args.limit - letters.len()).min(200).to_string())];
        pairs.extend(args.key.clone().map(|key| ("key", key)));
        pairs.extend(args.kind.map(|kind| ("kind", kind.as_str().to_owned())));
        match args.status {
            Status::Open => pairs.push(("status", "open".to_owned())),
            Status::Redriven => pairs.push(("status", "redriven".to_owned())),
            Status::All => {}
        }
        pairs.extend(cursor.take().map(|cursor| ("cursor", cursor)));
        let page = ask(remote, Method::GET, &with_query("/v1/dead-letters", &pairs)?, None).await?;
        letters.extend(page["deadLetters"].as_array().into_iter().flatten().cloned());
        cursor = page["nextCursor"].as_str().map(str::to_owned);
        has_more = cursor.is_some();
    }
    Ok(json!({"deadLetters": letters, "more": has_more}))
}

async fn redrive(remote: &Remote, args: &Redrive) -> Result<Value> {
    let mut answer = if args.ids.is_empty() {
        let body = json!({"key": args.key, "kind": args.kind.map(LetterKind::as_str), "dryRun": args.dry_run});
        ask(remote, Method::POST, "/v1/dead-letters:redrive", Some(&body)).await?
    } else {
        let body = json!({"dryRun": args.dry_run, "again": args.again});
        let mut redriven = Vec::new();
        for id in &args.ids {
            redriven.push(ask(remote, Method::POST, &format!("{}/redrive", path_of(id)?), Some(&body)).await?);
        }
        json!({"redriven": redriven, "dryRun": args.dry_run, "more": false})
    };
    let begun = Instant::now();
    for letter in answer["redriven"].as_array_mut().into_iter().flatten() {
        while letter["outcome"] == "requested" && begun.elapsed() < WATCHED {
            tokio::time::sleep(Duration::from_millis(200)).await;
            let path = path_of(letter["letterId"].as_str().unwrap_or_default())?;
            let now = ask(remote, Method::GET, &path, None).await?;
            if now["redrive"]["outcome"] != "requested" && !now["redrive"].is_null() {
                letter["outcome"] = now["redrive"]["outcome"].clone();
                letter["detail"] = now["redrive"]["detail"].clone();
            }
        }
    }
    Ok(answer)
}

fn text(value: &Value) -> String {
    match value {
        Value::Null => "–".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// Where an original stood, in a word.
fn place(from: &Value) -> String {
    let number = |name: &str| from[name].as_u64();
    match (from["topic"].as_str(), from["import"].as_str()) {
        (Some(topic), _) => {
            let at = number("offset").map(|offset| format!("@{offset}")).unwrap_or_default();
            format!("{topic}/{}{at}", number("partition").unwrap_or_default())
        }
        (None, Some(import)) => {
            let file = from["file"].as_str().unwrap_or(import);
            format!("{file}:{}", number("line").unwrap_or_default())
        }
        (None, None) => "–".to_owned(),
    }
}

fn cut(text: &str) -> String {
    if text.chars().count() <= REASON {
        text.to_owned()
    } else {
        text.chars().take(REASON - 1).chain(['…']).collect()
    }
}

fn listed(answer: &Value) -> String {
    let letters: Vec<&Value> = answer["deadLetters"].as_array().into_iter().flatten().collect();
    if letters.is_empty() {
        return "No dead letters.".to_owned();
    }
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header(["ID", "KEY", "FROM", "CODE", "REASON", "AT", "STATUS"]);
    for letter in letters {
        let status = match letter["redrive"]["outcome"].as_str() {
            Some(outcome) if letter["status"] == "open" => format!("open ({outcome})"),
            Some(_) | None => text(&letter["status"]),
        };
        table.add_row([
            text(&letter["letterId"]),
            text(&letter["key"]),
            place(&letter["from"]),
            text(&letter["code"]),
            cut(&text(&letter["reason"])),
            text(&letter["at"]),
            status,
        ]);
    }
    let more = if answer["more"] == true { "There are more: say --limit, --key or --kind.\n" } else { "" };
    format!(
        "{table}\n{more}Next: `stockfold dead-letters show ID` says all of one; once its cause is mended, \
         `stockfold dead-letters redrive ID --dry-run`, and without --dry-run."
    )
}

fn shown(letter: &Value) -> String {
    let mut lines = Vec::new();
    for name in ["letterId", "kind", "key", "code", "reason", "at", "status", "position"] {
        lines.push(format!("{name:<10} {}", text(&letter[name])));
    }
    lines.push(format!("{:<10} {}", "from", place(&letter["from"])));
    if let Some(redrive) = letter["redrive"].as_object() {
        let of = |name: &str| redrive.get(name).map(text).unwrap_or_default();
        lines.push(format!("{:<10} {} by {} at {}: {}", "redrive", of("outcome"), of("by"), of("at"), of("detail")));
    }
    let record = &letter["record"];
    lines.push(match (record["original"].as_str(), record["originalBase64"].as_str()) {
        (Some(original), _) if !original.is_empty() => format!("original\n{original}"),
        (_, Some(encoded)) => format!("original, in base 64\n{encoded}"),
        _ if record.is_null() => "original   has left the log, which keeps it for 90 days".to_owned(),
        _ => format!("original\n{}", text(&record["command"])),
    });
    lines.push(next_of(letter).to_owned());
    lines.join("\n")
}

/// What to do about a letter.
fn next_of(letter: &Value) -> &'static str {
    if letter["status"] == "redriven" {
        return "Next: nothing, it is settled.";
    }
    match letter["kind"].as_str() {
        Some("event") => {
            "Next: run a projector that can read the event (a newer Stockfold), then redrive it: its key is folded from there on."
        }
        Some("command") => "Next: once a build is running that can decide it, redrive it: it is submitted again.",
        Some("import_line") => "Next: mend what the reason names, then redrive it: the line runs again as it was.",
        Some("supplier_record") => {
            "Next: mend what the reason names, then redrive it: it is published again. A wrong record is the supplier's to send anew."
        }
        Some(_) | None => "Next: nothing to redrive; a command to the same key that succeeds gives it a new deadline.",
    }
}

fn redriven(answer: &Value) -> String {
    let letters: Vec<&Value> = answer["redriven"].as_array().into_iter().flatten().collect();
    if letters.is_empty() {
        return "No open dead letters are like that.".to_owned();
    }
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header(["ID", "KEY", "OUTCOME", "DETAIL"]);
    for letter in &letters {
        table.add_row(["letterId", "key", "outcome", "detail"].map(|name| text(&letter[name])));
    }
    let done = letters.iter().filter(|letter| letter["outcome"] == "done").count();
    let next = match (answer["dryRun"] == true, done == letters.len()) {
        (true, _) => "Nothing was done. Next: the same without --dry-run.".to_owned(),
        (false, true) => format!("{done} settled."),
        (false, false) => {
            format!("{done} of {} settled. Next: mend what the others say, then redrive them again.", letters.len())
        }
    };
    let more = if answer["more"] == true { "\nThere are more: say it again." } else { "" };
    format!("{table}\n{next}{more}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_names_each_letter_and_says_what_to_do() {
        let letter = json!({"letterId": "import_line-1", "kind": "import_line", "key": "tea", "code": "invalid_value",
            "reason": "x".repeat(200), "at": "2026-01-01T00:00:00Z", "status": "open", "from": {"import": "i", "file": "a.csv", "line": 7},
            "redrive": {"outcome": "insufficient_stock", "by": "operator:op", "at": "2026-01-02T00:00:00Z"}});
        let told = listed(&json!({"deadLetters": [letter], "more": true}));
        for part in ["import_line-1", "a.csv:7", "open (insufficient_stock)", "…", "There are more", "--dry-run"] {
            assert!(told.contains(part), "{part}: {told}");
        }
        assert_eq!(listed(&json!({"deadLetters": []})), "No dead letters.");
        assert!(shown(&letter).contains("the line runs again"));
    }

    #[test]
    fn what_was_redriven_is_counted() {
        let done = json!({"letterId": "a", "key": "k", "outcome": "done"});
        let parked = json!({"letterId": "b", "key": "k", "outcome": "still_parked", "detail": "why"});
        let told = redriven(&json!({"redriven": [done, parked], "dryRun": false, "more": false}));
        assert!(told.contains("1 of 2 settled") && told.contains("still_parked") && told.contains("why"), "{told}");
        let dry = redriven(&json!({"redriven": [done], "dryRun": true}));
        assert!(dry.contains("Nothing was done"), "{dry}");
    }

    #[test]
    fn an_id_is_one_before_it_goes_into_a_path() {
        assert_eq!(path_of("event-0f").expect("an id"), "/v1/dead-letters/event-0f");
        for id in ["", "a/b", "a?b", "ä", "a b"] {
            assert!(path_of(id).is_err(), "{id}");
        }
    }
}
