//! What the OpenAPI documents of both APIs share. The types of the vocabulary know nothing of OpenAPI; these stand for
//! them in schemas.

use std::borrow::Cow;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        Content, HeaderBuilder, ObjectBuilder, OneOfBuilder, OpenApi, PathItem, RefOr, Required, Response, Schema,
        SecurityRequirement, Type,
        path::{Operation, ParameterBuilder, ParameterIn},
    },
};

const PROBLEM: &str = "application/problem+json";

/// An id of the vocabulary, where a caller names one.
pub struct IdSchema;

impl PartialSchema for IdSchema {
    fn schema() -> RefOr<Schema> {
        let text = ObjectBuilder::new().schema_type(Type::String);
        text.pattern(Some("^[A-Za-z0-9][A-Za-z0-9_.:-]{0,63}$")).build().into()
    }
}

impl ToSchema for IdSchema {
    fn name() -> Cow<'static, str> {
        "Id".into()
    }
}

/// Writes into a document what holds for every call and is not said at each: its faults are problems, and what writes
/// takes a token.
pub fn conventions(document: &mut OpenApi) {
    for path in document.paths.paths.values_mut() {
        if let Some(operation) = &mut path.get {
            responses(operation);
            ids(operation);
        }
        for operation in writing(path) {
            responses(operation);
            ids(operation);
            operation.security.get_or_insert_with(|| vec![SecurityRequirement::new("bearer", [""; 0])]);
        }
    }
}

/// Writes into a document of commands only what every command takes and answers: `Prefer`, 202, and the position.
pub fn commands(document: &mut OpenApi) {
    for operation in document.paths.paths.values_mut().flat_map(writing) {
        let prefer = ParameterBuilder::new()
            .name("Prefer")
            .parameter_in(ParameterIn::Header)
            .required(Required::False)
            .description(Some("`wait=N`: seconds to wait for the outcome; `respond-async`: 202 at once."))
            .schema(Some(ObjectBuilder::new().schema_type(Type::String)))
            .build();
        operation.parameters.get_or_insert_default().push(RefOr::T(prefer));
        let answers = &mut operation.responses.responses;
        for response in answers.values_mut() {
            let RefOr::T(response) = response else { continue };
            let position = HeaderBuilder::new()
                .schema(Some(ObjectBuilder::new().schema_type(Type::String)))
                .description(Some("For `Stockfold-At-Least` of a GET: how far its view must be."))
                .build();
            response.headers.insert("Stockfold-Position".to_owned(), RefOr::T(position));
        }
        accept(answers.entry("202".to_owned()).or_insert_with(|| RefOr::T(Response::new(""))));
    }
}

/// The body of a 202 where the client did not want to wait.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes what command-api writes")]
struct Accepted {
    /// `accepted`.
    status: String,
    /// As the header of that name.
    location: String,
}

/// Writes into a 202 what `respond-async` makes of it, besides what the operation itself answers with that status.
fn accept(response: &mut RefOr<Response>) {
    let RefOr::T(response) = response else { return };
    let own = std::mem::take(&mut response.description);
    // Nobody knows a position of what was not waited for.
    let taken = "Taken, as `respond-async` asks: with `Location`, where it will show, and without `Stockfold-Position`, \
                 as nothing is written yet. The same request again without `respond-async` waits for the answer.";
    response.description = if own.is_empty() { taken.to_owned() } else { format!("{own}. Or: {taken}") };
    let location = HeaderBuilder::new()
        .schema(Some(ObjectBuilder::new().schema_type(Type::String)))
        .description(Some("Of `respond-async`: where what was asked for will show."))
        .build();
    response.headers.insert("Location".to_owned(), RefOr::T(location));
    let content = response.content.entry("application/json".to_owned()).or_insert_with(|| RefOr::T(Content::default()));
    let RefOr::T(content) = content else { return };
    content.schema = Some(match content.schema.take() {
        Some(own) => OneOfBuilder::new().item(own).item(Accepted::schema()).into(),
        None => Accepted::schema(),
    });
}

fn writing(path: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    [&mut path.put, &mut path.post, &mut path.delete, &mut path.patch].into_iter().flatten()
}

/// The parts of a path that are ids.
fn ids(operation: &mut Operation) {
    for parameter in operation.parameters.iter_mut().flatten() {
        let RefOr::T(parameter) = parameter else { continue };
        if parameter.parameter_in == ParameterIn::Path && parameter.name.ends_with("Id") {
            parameter.schema = Some(IdSchema::schema());
        }
    }
}

fn responses(operation: &mut Operation) {
    for (status, response) in &mut operation.responses.responses {
        let RefOr::T(response) = response else { continue };
        if status == "default" {
            as_problem(response);
        } else if response.description.is_empty() {
            "Done.".clone_into(&mut response.description);
        }
    }
}

fn as_problem(response: &mut Response) {
    if response.description.is_empty() {
        "A problem.".clone_into(&mut response.description);
    }
    if let Some(content) = response.content.swap_remove("application/json") {
        response.content.insert(PROBLEM.to_owned(), content);
    }
}

/// An amount of money.
#[derive(ToSchema)]
#[schema(as = Money)]
#[expect(dead_code, reason = "stands for schemas::Money in OpenAPI")]
pub struct MoneySchema {
    /// Integer minor units (cents, pence), between ±(2^53 − 1).
    #[schema(example = 1999)]
    amount: i64,
    /// ISO 4217.
    #[schema(example = "EUR")]
    currency: String,
}
