//! One file: which import it is, where it was left, and what became of it.

use super::{
    journal::{Journal, Tally},
    rejected::Rejected,
    send::{Answered, LineResult, Sending, send},
    source::{self, Format, Look, Numbered, Place},
};
use crate::remote::Remote;
use anyhow::{Result, bail, ensure};
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;
use std::{
    io::IsTerminal as _,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

/// The journal is written so often at most.
const JOURNAL: Duration = Duration::from_millis(500);
/// Progress is told so often where no terminal shows a bar.
const TOLD: Duration = Duration::from_secs(10);

/// How files are imported.
pub struct Importer<'a> {
    /// To whom.
    pub remote: &'a Remote,
    /// Whether lines are checked only.
    pub dry_run: bool,
    /// Where journals are; else beside the files.
    pub state: Option<PathBuf>,
    /// Whether a file that has changed is begun anew.
    pub restart: bool,
    /// How long to go on asking while nothing is answered; `None` = for ever.
    pub patience: Option<Duration>,
}

/// What became of a file.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Summary {
    /// The file.
    pub file: String,
    /// The import's id.
    pub import: String,
    /// Whether lines were checked only.
    pub dry_run: bool,
    /// The last line of an earlier run; 0 where it began at the first.
    pub resumed_after: u64,
    /// What became of the lines, those of an earlier run too.
    #[serde(flatten)]
    pub tally: Tally,
    /// How long this run took.
    pub seconds: f64,
}

impl Summary {
    /// The same for people.
    pub fn text(&self) -> String {
        let Tally { lines, applied, already, refused } = self.tally;
        let resumed = match self.resumed_after {
            0 => String::new(),
            line => format!(", resumed after line {line}"),
        };
        let became = match self.dry_run {
            true => format!("{applied} well, {refused} refused; none was run"),
            false => format!("{applied} applied, {already} already so, {refused} refused"),
        };
        format!("{}: {lines} lines, {became}, {:.1} s{resumed}", self.file, self.seconds)
    }
}

/// What is known of an import before its first line is read.
struct Begun {
    journal: Option<(PathBuf, Journal)>,
    import: String,
    look: Option<Look>,
}

impl Importer<'_> {
    /// Imports a file; `rejected` is where its refused lines are listed.
    pub async fn import(
        &self,
        place: Place,
        format: Format,
        import_id: Option<&str>,
        rejected: Option<&Path>,
    ) -> Result<Summary> {
        let started = Instant::now();
        let Begun { journal, import, look } = self.begin(&place, import_id)?;
        let name = match &place {
            Place::File(path) => path.display().to_string(),
            Place::Stdin => "standard input".to_owned(),
        };
        let (after, tally) =
            journal.as_ref().map_or((0, Tally::default()), |(_, journal)| (journal.line, journal.tally));
        let listed = journal.as_ref().map_or(0, |(_, journal)| journal.rejected_bytes);
        let read = Arc::new(AtomicU64::new(0));
        let mut keeper = Keeper {
            journal,
            rejected: rejected.map(|path| Rejected::after(path, listed)),
            kept: None,
            progress: Progress::new(look.as_ref(), Arc::clone(&read)),
        };
        let sending = Sending {
            remote: self.remote,
            import: &import,
            file: &header_text(&place),
            format,
            dry_run: self.dry_run,
            patience: self.patience,
        };
        let pieces = source::read(place.clone(), format, after, read);
        let sent = send(&sending, pieces, tally, &mut keeper).await;
        keeper.progress.end();
        keeper.keep()?;
        let tally = sent?;
        if let (Place::File(path), Some(look)) = (&place, look) {
            ensure!(Look::at(path)? == look, "{name} was changed while it was imported; import it again");
        }
        if let Some((path, _)) = keeper.journal {
            Journal::remove(&path)?;
        }
        let seconds = started.elapsed().as_secs_f64();
        Ok(Summary { file: name, import, dry_run: self.dry_run, resumed_after: after, tally, seconds })
    }

    fn begin(&self, place: &Place, import_id: Option<&str>) -> Result<Begun> {
        let Place::File(path) = place else {
            let import = import_id.map_or_else(|| format!("stdin-{}", uuid::Uuid::new_v4().simple()), str::to_owned);
            tracing::info!(import, "standard input is imported under this id");
            return Ok(Begun { journal: None, import, look: None });
        };
        let look = Look::at(path)?;
        let at = Journal::path(path, self.state.as_deref());
        let known = if self.dry_run { None } else { Journal::read(&at)? };
        let named = |import: &str| import_id.is_none_or(|id| id == import);
        if let Some(journal) = known.as_ref().filter(|journal| journal.is_of(&look) && named(&journal.import)) {
            let import = journal.import.clone();
            return Ok(Begun { journal: Some((at, journal.clone())), import, look: Some(look) });
        }
        let digest = source::digest(path)?;
        // By its content: under another name it is the same import, which has its effects once.
        let import = import_id.map_or_else(|| format!("file-{}", &digest[..32]), str::to_owned);
        let journal = match known {
            Some(journal) if journal.digest == digest && journal.import == import => {
                Journal { size: look.size, modified_ms: look.modified_ms, ..journal }
            }
            Some(journal) if !self.restart => bail!(
                "{} has changed since its first {} lines were imported as {}; --restart imports it anew, as it is now",
                path.display(),
                journal.line,
                journal.import
            ),
            Some(_) | None => {
                let (size, modified_ms) = (look.size, look.modified_ms);
                Journal {
                    import: import.clone(),
                    digest,
                    size,
                    modified_ms,
                    line: 0,
                    tally: Tally::default(),
                    rejected_bytes: 0,
                }
            }
        };
        let journal = if self.dry_run { None } else { Some((at, journal)) };
        Ok(Begun { journal, import, look: Some(look) })
    }
}

/// What dead letters call the file: its name, as a header can carry it.
fn header_text(place: &Place) -> String {
    let name = match place {
        Place::File(path) => path.file_name().unwrap_or_default().to_string_lossy().into_owned(),
        Place::Stdin => "-".to_owned(),
    };
    let plain = |letter: char| if letter.is_ascii_graphic() || letter == ' ' { letter } else { '_' };
    name.chars().map(plain).take(1_024).collect()
}

/// Keeps what was answered.
struct Keeper {
    journal: Option<(PathBuf, Journal)>,
    rejected: Option<Rejected>,
    /// When it was kept last; the first line is at once.
    kept: Option<Instant>,
    progress: Progress,
}

impl Keeper {
    fn keep(&mut self) -> Result<()> {
        let listed = match &mut self.rejected {
            Some(rejected) => rejected.flush()?,
            None => 0,
        };
        if let Some((path, journal)) = &mut self.journal {
            journal.rejected_bytes = listed;
            journal.write(path)?;
        }
        self.kept = Some(Instant::now());
        Ok(())
    }
}

impl Answered for Keeper {
    fn line(&mut self, line: &Numbered, result: &LineResult, tally: Tally) -> Result<()> {
        if let Some(rejected) = self.rejected.as_mut().filter(|_| result.status >= 400) {
            rejected.add(line, result)?;
        }
        if let Some((_, journal)) = &mut self.journal {
            journal.line = line.number;
            journal.tally = tally;
        }
        if self.kept.is_none_or(|kept| kept.elapsed() >= JOURNAL) {
            self.keep()?;
        }
        self.progress.show(tally);
        Ok(())
    }
}

/// A bar on a terminal, a line now and then elsewhere.
struct Progress {
    bar: Option<ProgressBar>,
    read: Arc<AtomicU64>,
    told: Instant,
}

impl Progress {
    fn new(look: Option<&Look>, read: Arc<AtomicU64>) -> Self {
        let bar = std::io::stderr().is_terminal().then(|| match look {
            Some(look) => {
                let style = "{elapsed_precise} {wide_bar} {bytes}/{total_bytes} {msg} ETA {eta}";
                ProgressBar::new(look.size)
                    .with_style(ProgressStyle::with_template(style).expect("a template of known fields"))
            }
            None => ProgressBar::new_spinner(),
        });
        Self { bar, read, told: Instant::now() }
    }

    fn show(&mut self, tally: Tally) {
        let Tally { lines, refused, .. } = tally;
        if !lines.is_multiple_of(256) {
            return;
        }
        if let Some(bar) = &self.bar {
            bar.set_position(self.read.load(Ordering::Relaxed));
            bar.set_message(format!("{lines} lines, {refused} refused"));
        } else if self.told.elapsed() >= TOLD {
            eprintln!("{lines} lines, {refused} refused");
            self.told = Instant::now();
        }
    }

    fn end(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
