//! Parts as Parquet: a column for each attribute of CloudEvents, and the data as JSON text.

use crate::remote_log::Line;
use anyhow::{Context as _, Result};
use chrono::DateTime;
use parquet::{
    basic::Compression,
    data_type::{ByteArray, ByteArrayType, Int32Type, Int64Type},
    file::{properties::WriterProperties, writer::SerializedFileWriter},
    schema::parser::parse_message_type,
};
use std::{fs::File, sync::Arc};

/// The most rows of a row group, which is in memory until it is written.
const GROUP_ROWS: usize = 20_000;
/// The most bytes of it, about.
const GROUP_BYTES: usize = 8 << 20;

/// The columns. Adding one at the end is the only change that readers of older parts do not notice.
const SCHEMA: &str = "message event {
    required binary id (STRING);
    required binary specversion (STRING);
    required binary source (STRING);
    required binary type (STRING);
    required binary subject (STRING);
    optional int64 time (TIMESTAMP(MILLIS,true));
    required binary datacontenttype (STRING);
    optional binary dataschema (STRING);
    required binary sequence (STRING);
    optional int64 epoch;
    optional binary actor (STRING);
    optional binary causationid (STRING);
    optional binary correlationid (STRING);
    optional binary traceparent (STRING);
    required int32 partition;
    required int64 seq;
    optional binary data (JSON);
}";

/// The values of one column that are not written yet; the type of the file knows which kind.
enum Column {
    Text(Vec<ByteArray>, Vec<i16>),
    Long(Vec<i64>, Vec<i16>),
    Int(Vec<i32>),
}

impl Column {
    fn text(&mut self, value: Option<&str>) {
        if let Self::Text(values, levels) = self {
            levels.push(i16::from(value.is_some()));
            values.extend(value.map(|text| ByteArray::from(text.as_bytes().to_vec())));
        }
    }

    fn long(&mut self, value: Option<i64>) {
        if let Self::Long(values, levels) = self {
            levels.push(i16::from(value.is_some()));
            values.extend(value);
        }
    }

    fn int(&mut self, value: i32) {
        if let Self::Int(values) = self {
            values.push(value);
        }
    }
}

/// A part that is being written.
pub struct ParquetPart {
    writer: SerializedFileWriter<File>,
    columns: Vec<Column>,
    rows: usize,
    bytes: usize,
}

impl ParquetPart {
    /// Into this file, which is empty.
    pub fn new(file: File) -> Result<Self> {
        let schema = Arc::new(parse_message_type(SCHEMA).context("the schema of parts")?);
        let properties = WriterProperties::builder()
            .set_compression(Compression::SNAPPY)
            .set_created_by(concat!("stockfold ", env!("CARGO_PKG_VERSION")).to_owned());
        let writer = SerializedFileWriter::new(file, schema, Arc::new(properties.build()))?;
        let mut part = Self { writer, columns: Vec::new(), rows: 0, bytes: 0 };
        part.columns = part.empty();
        Ok(part)
    }

    fn empty(&self) -> Vec<Column> {
        use parquet::basic::Type;
        let columns = self.writer.schema_descr().columns().iter();
        let empty = |kind: Type| match kind {
            Type::INT64 => Column::Long(Vec::new(), Vec::new()),
            Type::INT32 => Column::Int(Vec::new()),
            _ => Column::Text(Vec::new(), Vec::new()),
        };
        columns.map(|column| empty(column.physical_type())).collect()
    }

    /// Adds an event.
    pub fn add(&mut self, line: &Line<'_>) -> Result<()> {
        let id = line.id.to_string();
        let time =
            line.time.as_deref().map(DateTime::parse_from_rfc3339).transpose().context("the time of an event")?;
        let data = Some(line.data.get()).filter(|data| *data != "null");
        let [
            c_id,
            spec,
            source,
            kind,
            subject,
            at,
            content,
            schema,
            sequence,
            epoch,
            actor,
            cause,
            correlation,
            trace,
            partition,
            seq,
            c_data,
        ] = self.columns.as_mut_slice()
        else {
            anyhow::bail!("the schema has other columns");
        };
        c_id.text(Some(&id));
        spec.text(Some(&line.specversion));
        source.text(Some(&line.source));
        kind.text(Some(&line.event_type));
        subject.text(Some(&line.subject));
        at.long(time.map(|time| time.timestamp_millis()));
        content.text(Some(&line.datacontenttype));
        schema.text(line.dataschema.as_deref());
        sequence.text(Some(&line.sequence));
        epoch.long(line.epoch);
        actor.text(line.actor.as_deref());
        cause.text(line.causationid.as_deref());
        correlation.text(line.correlationid.as_deref());
        trace.text(line.traceparent.as_deref());
        partition.int(i32::try_from(line.id.partition)?);
        seq.long(Some(i64::try_from(line.id.seq)?));
        c_data.text(data);
        self.rows += 1;
        // Attributes are some hundred bytes beside the data.
        self.bytes += line.data.get().len() + 400;
        if self.rows >= GROUP_ROWS || self.bytes >= GROUP_BYTES { self.flush() } else { Ok(()) }
    }

    /// Writes a row group of what there is.
    fn flush(&mut self) -> Result<()> {
        if self.rows == 0 {
            return Ok(());
        }
        let empty = self.empty();
        let columns = std::mem::replace(&mut self.columns, empty);
        let mut group = self.writer.next_row_group()?;
        for column in columns {
            let mut writer = group.next_column()?.context("the schema has fewer columns")?;
            // A required column has no levels: the writer passes over what it is given.
            match column {
                Column::Text(values, levels) => {
                    writer.typed::<ByteArrayType>().write_batch(&values, Some(&levels), None)?;
                }
                Column::Long(values, levels) => {
                    writer.typed::<Int64Type>().write_batch(&values, Some(&levels), None)?;
                }
                Column::Int(values) => _ = writer.typed::<Int32Type>().write_batch(&values, None, None)?,
            }
            writer.close()?;
        }
        group.close()?;
        (self.rows, self.bytes) = (0, 0);
        Ok(())
    }

    /// Writes the rest; answers the file.
    pub fn close(mut self) -> Result<File> {
        self.flush()?;
        Ok(self.writer.into_inner()?)
    }
}
