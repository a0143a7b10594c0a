//! `stockfold forget`: destroys a person's keys in a running engine, after it has said what that means.

use crate::{
    print,
    remote::{Remote, RemoteArgs, refusal, with_query},
};
use anyhow::{Context as _, Result, bail};
use reqwest::{Method, RequestBuilder, StatusCode};
use schemas::Role;
use serde_json::{Value, json};
use std::io::{self, BufRead as _, IsTerminal as _, Write as _};
use uuid::Uuid;

/// What `forget` takes.
#[derive(Debug, clap::Args)]
pub struct ForgetArgs {
    /// Whom: the `sub` of their token, or the pseudonym (32 hexadecimal digits) under which the log knows them
    subject: String,
    /// Only say what would be done
    #[arg(long)]
    dry_run: bool,
    /// Do not ask
    #[arg(long)]
    yes: bool,
    /// Also where something is still to be delivered, which then has no address
    #[arg(long)]
    force: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    remote: RemoteArgs,
}

/// Runs it.
pub fn run(args: &ForgetArgs) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let remote = Remote::new(&args.remote, Role::Operator, "stockfold-forget")?;
    runtime.block_on(async {
        let subject =
            if is_pseudonym(&args.subject) { args.subject.clone() } else { find(&remote, &args.subject).await? };
        let would = ask(&remote, &subject, true, args.force).await?;
        if args.dry_run {
            return tell(&would, args.json);
        }
        if !args.yes {
            print::line(told(&would))?;
            confirm(&subject)?;
        }
        tell(&ask(&remote, &subject, false, args.force).await?, args.json)
    })
}

/// Whether a text is a pseudonym as the log has them.
fn is_pseudonym(text: &str) -> bool {
    text.len() == 32 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

async fn find(remote: &Remote, sub: &str) -> Result<String> {
    let path = with_query("/v1/subjects", &[("sub", sub.to_owned())])?;
    let answer = remote
        .request(Method::GET, &path)?
        .send()
        .await
        .with_context(|| format!("no engine answers at {}", remote.base()))?;
    if !answer.status().is_success() {
        bail!("{}", refusal(answer).await);
    }
    let body: Value = serde_json::from_slice(&answer.bytes().await?)?;
    body["subject"].as_str().map(str::to_owned).context("the engine tells no pseudonym")
}

/// Asks under one key until there is an answer.
async fn ask(remote: &Remote, subject: &str, dry_run: bool, force: bool) -> Result<Value> {
    let (key, body) = (Uuid::new_v4().to_string(), json!({"dryRun": dry_run, "force": force}));
    let path = format!("/v1/subjects/{subject}/forget");
    let fill = |request: RequestBuilder| request.header("idempotency-key", &key).json(&body);
    let answer = remote.ask(Method::POST, &path, fill).await?;
    match answer.status() {
        StatusCode::OK => Ok(serde_json::from_slice(&answer.bytes().await?)?),
        StatusCode::CONFLICT => {
            let problem: Value = serde_json::from_slice(&answer.bytes().await?)?;
            bail!("{}\n{}", problem["detail"].as_str().unwrap_or("refused"), orders(&problem["orders"]))
        }
        _ => bail!("{}", refusal(answer).await),
    }
}

/// A person types the pseudonym, so that nobody is forgotten by a slip.
fn confirm(subject: &str) -> Result<()> {
    if !io::stdin().is_terminal() {
        bail!("nobody is there to confirm it: say --yes");
    }
    print!("This cannot be undone. Type {} to go on: ", &subject[..8]);
    io::stdout().flush()?;
    let mut typed = String::new();
    io::stdin().lock().read_line(&mut typed)?;
    if typed.trim() != &subject[..8] {
        bail!("nothing was done");
    }
    Ok(())
}

fn tell(answer: &Value, json: bool) -> Result<()> {
    if json {
        print::line(serde_json::to_string_pretty(answer)?)?;
    } else {
        print::line(told(answer))?;
    }
    Ok(())
}

fn orders(open: &Value) -> String {
    let line = |order: &Value| {
        let text = |name: &str| order[name].as_str().unwrap_or("?").to_owned();
        format!("  {}  {}", text("orderId"), text("status"))
    };
    open.as_array().into_iter().flatten().map(line).collect::<Vec<_>>().join("\n")
}

fn told(answer: &Value) -> String {
    let number = |name: &str| answer[name].as_u64().unwrap_or(0);
    let subject = answer["subject"].as_str().unwrap_or("?");
    let mut lines = if answer["dryRun"] == true {
        vec![format!("{subject} would be forgotten:")]
    } else {
        vec![format!("{subject} is forgotten:")]
    };
    lines.push(format!("  keys destroyed      {}", number("keys")));
    lines.push(format!("  stores unfollowed   {}", number("follows")));
    lines.push(format!("  cart lines removed  {}", number("cartLines")));
    if let Some(order) = answer["cartLockedBy"].as_str() {
        lines.push(format!("  the cart is locked by the checkout of {order}: forget again once that has ended"));
    }
    let can = if answer["dryRun"] == true { "could then" } else { "can" };
    lines.push(format!("E-mail address, language, time zone and delivery addresses {can} be read by nobody any more."));
    lines.push("What stays:".to_owned());
    let remains = answer["remains"].as_array().into_iter().flatten().filter_map(Value::as_str);
    lines.extend(remains.map(|what| format!("  - {what}")));
    if answer["openOrders"].as_array().is_some_and(|open| !open.is_empty()) {
        lines.push("Still to be delivered, to no address that anybody can read; cancel what cannot be:".to_owned());
        lines.push(orders(&answer["openOrders"]));
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pseudonym_is_told_from_a_sub() {
        assert!(is_pseudonym("0123456789abcdef0123456789abcdef"));
        for sub in ["alice", "", "0123456789ABCDEF0123456789ABCDEF", "0123456789abcdef0123456789abcde"] {
            assert!(!is_pseudonym(sub), "{sub}");
        }
    }

    #[test]
    fn what_was_done_and_what_stays_is_told() {
        let answer = json!({"subject": "ab", "dryRun": false, "keys": 2, "follows": 1, "cartLines": 0,
            "openOrders": [{"orderId": "o-1", "status": "confirmed"}], "remains": ["the books"]});
        let told = told(&answer);
        for part in ["ab is forgotten", "keys destroyed      2", "- the books", "o-1  confirmed"] {
            assert!(told.contains(part), "{part}: {told}");
        }
    }
}
