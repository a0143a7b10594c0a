//! What an event says, and the command that it becomes.

use super::{attributes::Attributes, fault::FeedError, payload};
use crate::{
    effects::derived_id,
    fields::{FieldError, is_unwanted},
    mac::MacKey,
};
use schemas::{
    Caller, CommandId, ItemId, Role, Timestamp, Topic,
    item::{FeedSource, ItemCommand, Supply, SupplyFact},
    money::MAX_EXACT,
    supplier::SupplierEventType,
};
use serde_json::Value;

/// The earliest time that is taken: 1900-01-01T00:00:00Z.
const EARLIEST: Timestamp = Timestamp::from_millis(-2_208_988_800_000);
/// The most digits of a sequence: zeros may stand in front.
const MOST_DIGITS: usize = 20;

/// A supplier's event that could be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SupplierEvent {
    /// What it is about.
    pub item: ItemId,
    /// Whose word it is.
    pub source: FeedSource,
    /// Its id there.
    pub id: String,
    /// Rises with every event of the source about the item.
    pub sequence: u64,
    /// When it became so.
    pub at: Timestamp,
    /// What it says.
    pub said: SupplyFact,
    /// W3C trace context.
    pub traceparent: Option<String>,
}

type Fault = (&'static str, String);

fn parsed_id(text: &str) -> Result<String, Fault> {
    if !(1..=255).contains(&text.chars().count()) || text.chars().any(|c| is_unwanted(c, false)) {
        return Err(("invalid_value", "has 1 to 255 characters, none of them a control character".to_owned()));
    }
    Ok(text.to_owned())
}

fn parsed_sequence(text: &str) -> Result<u64, Fault> {
    let is_decimal = (1..=MOST_DIGITS).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    let sequence =
        if is_decimal { text.parse().ok().filter(|sequence| *sequence <= MAX_EXACT.unsigned_abs()) } else { None };
    sequence.ok_or_else(|| ("invalid_value", format!("must be a whole number from 0 to {MAX_EXACT} in decimal digits")))
}

fn parsed_time(text: &str) -> Result<Timestamp, Fault> {
    match Timestamp::parse(text) {
        Ok(time) if (EARLIEST..=Timestamp::MAX).contains(&time) => Ok(time),
        Ok(_) => Err(("out_of_range", "must be between the years 1900 and 9999".to_owned())),
        Err(fault) => Err(("invalid_time", fault.to_string())),
    }
}

fn parsed_type(text: &str) -> Result<SupplierEventType, Fault> {
    SupplierEventType::from_name(text).ok_or_else(|| {
        let known = SupplierEventType::ALL.map(SupplierEventType::name);
        ("unknown_type", format!("must be one of {}", known.join(", ")))
    })
}

fn parsed_subject(text: &str, key: Option<&str>) -> Result<ItemId, Fault> {
    let item = ItemId::parse(text).map_err(|fault| ("invalid_id", fault.to_string()))?;
    match key {
        Some(key) if key != text && !planted::bug!("feed-key-unchecked") => {
            Err(("subject_mismatch", "is not the record's key: both name the item, or there is no key".to_owned()))
        }
        Some(_) | None => Ok(item),
    }
}

/// Reads what an event says; every fault of it otherwise.
pub(super) fn event(
    attributes: &Attributes,
    data: Option<&Value>,
    key: Option<&str>,
) -> Result<SupplierEvent, FeedError> {
    let mut faults = Vec::new();
    let kind = attributes.read("type", &mut faults, parsed_type);
    let source = attributes.read("source", &mut faults, |text| {
        FeedSource::parse(text).map_err(|fault| ("invalid_value", fault.to_string()))
    });
    let id = attributes.read("id", &mut faults, parsed_id);
    let item = attributes.read("subject", &mut faults, |text| parsed_subject(text, key));
    let sequence = attributes.read("sequence", &mut faults, parsed_sequence);
    let at = attributes.read("time", &mut faults, parsed_time);
    let said = kind.and_then(|kind| payload::read(kind, data, &mut faults));
    match (source, id, item, sequence, at, said) {
        (Some(source), Some(id), Some(item), Some(sequence), Some(at), Some(said)) if faults.is_empty() => {
            let traceparent = attributes.get("traceparent").filter(|text| is_traceparent(text)).map(str::to_owned);
            Ok(SupplierEvent { item, source, id, sequence, at, said, traceparent })
        }
        _ => Err(FeedError::Faults(bounded(faults))),
    }
}

fn bounded(mut faults: Vec<FieldError>) -> Vec<FieldError> {
    faults.truncate(crate::fields::MAX_FAULTS);
    faults
}

/// `00-<trace id>-<parent id>-<flags>` in lower-case hexadecimal digits; what is none is not carried on.
fn is_traceparent(text: &str) -> bool {
    let is_hex = |part: &str| part.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    let lengths: Vec<usize> = text.split('-').map(str::len).collect();
    lengths == [2, 32, 16, 2] && text.starts_with("00-") && text.split('-').all(is_hex)
}

/// Who a source is as a caller, under the secret of the deployment.
#[derive(Debug, Clone)]
pub struct SourcePseudonyms(MacKey);

/// A command that an event became: the same for the same event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// From item, source and sequence.
    pub id: CommandId,
    /// A supplier, by the pseudonym of the source.
    pub caller: Caller,
    /// What it is about.
    pub item: ItemId,
    /// [`ItemCommand::Supply`].
    pub command: ItemCommand,
    /// W3C trace context.
    pub traceparent: Option<String>,
}

impl SourcePseudonyms {
    /// Under the secret of the deployment.
    #[must_use]
    pub fn of(secret: &MacKey) -> Self {
        Self(secret.derive("stockfold feed sources v1"))
    }

    /// Who a source is.
    #[must_use]
    pub fn caller(&self, source: &FeedSource) -> Caller {
        let subject = self.0.pseudonym(Topic::SupplierItems.name(), source.as_str());
        Caller { role: Role::Supplier, subject, store: None, location: None }
    }
}

impl SupplierEvent {
    /// The command that it is. Its id comes from item, source and sequence alone, as [`Supply::new`] makes its effect from
    /// source and sequence: an event that comes again is the same command.
    ///
    /// # Panics
    /// Never: a UUID with a word before it is an id.
    #[must_use]
    pub fn into_statement(self, sources: &SourcePseudonyms) -> Statement {
        let Self { item, source, id, sequence, at, said, traceparent } = self;
        let id = if planted::bug!("feed-known-by-id") { id } else { sequence.to_string() };
        let id = derived_id(&["supply", item.as_str(), source.as_str(), &id]);
        let id = CommandId::parse(&format!("supply:{id}")).expect("a UUID with a word before it is an id");
        let caller = sources.caller(&source);
        let command = ItemCommand::Supply(Supply::new(source, sequence, at, said));
        Statement { id, caller, item, command, traceparent }
    }
}
