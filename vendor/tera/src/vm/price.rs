//! What an instruction costs before it is done. Not part of Tera: see `vendor/tera/PATCH.md`.

use crate::errors::TeraResult;
use crate::fuel;
use crate::parsing::Instruction;
use crate::value::{Value, ValueInner};
use crate::vm::state::State;

/// Pays for `instr`, whose operands are on the stack of `state`.
#[inline]
pub(super) fn of(instr: &Instruction, state: &State<'_>) -> TeraResult<()> {
    fuel::steps(1)?;
    let top = |below: usize| state.stack.below(below);
    match instr {
        Instruction::WriteText(text) => fuel::bytes(text.len()),
        Instruction::StrConcat => {
            top(0).map_or(Ok(()), written)?;
            top(1).map_or(Ok(()), written)
        }
        Instruction::Set(_) | Instruction::SetGlobal(_) => top(0).map_or(Ok(()), fuel::check_depth),
        Instruction::BuildList(items) => fuel::list(*items),
        Instruction::BuildMap(items) => fuel::list(items.saturating_mul(4)),
        Instruction::BuildListWithSpreads(entries) | Instruction::BuildMapWithSpreads(entries) => {
            let spread: usize = (0..entries.len().saturating_mul(2))
                .map_while(top)
                .map(size)
                .fold(0, usize::saturating_add);
            fuel::steps(spread)?;
            fuel::list(entries.len().saturating_add(spread).saturating_mul(4))
        }
        Instruction::AppendToList => fuel::bytes(size_of::<Value>()),
        Instruction::StartIterate(_) | Instruction::StartIterateComprehension(_) => {
            // A text is taken apart, and the pairs of a map are copied.
            match top(0).map(|value| &value.inner) {
                Some(ValueInner::String(text)) => fuel::bytes(text.len().saturating_mul(16)),
                Some(ValueInner::Map(map)) => fuel::bytes(map.len().saturating_mul(96)),
                _ => Ok(()),
            }
        }
        Instruction::Slice | Instruction::SliceOpt => taken_apart(top(3)),
        Instruction::BinarySubscript | Instruction::BinarySubscriptOpt => match top(1) {
            Some(value) if value.is_string() => taken_apart(Some(value)),
            _ => Ok(()),
        },
        Instruction::In => match (top(0), top(1).is_some_and(is_composite)) {
            (Some(container), true) if container.is_array() => fuel::weigh(container),
            (Some(container), _) if !container.is_map() => fuel::steps(size(container)),
            _ => Ok(()),
        },
        Instruction::Equal
        | Instruction::NotEqual
        | Instruction::LessThan
        | Instruction::LessThanOrEqual
        | Instruction::GreaterThan
        | Instruction::GreaterThanOrEqual => match (top(0), top(1)) {
            (Some(a), Some(b)) if is_composite(a) && is_composite(b) => fuel::weigh(a),
            (Some(a), Some(b)) => fuel::steps(size(a).min(size(b))),
            _ => Ok(()),
        },
        Instruction::ApplyFilter(_) | Instruction::RunTest(_) => {
            fuel::steps(4 + top(1).map_or(0, size))
        }
        Instruction::CallFunction(_) => fuel::steps(4),
        Instruction::Include(_)
        | Instruction::RenderBlock(_)
        | Instruction::RenderInlineComponent(_)
        | Instruction::RenderInlineComponentToOutput(_)
        | Instruction::RenderBodyComponent(_)
        | Instruction::RenderBodyComponentToOutput(_) => fuel::steps(32),
        _ => Ok(()),
    }
}

/// Pays for what a value is as text.
#[inline]
pub(super) fn written(value: &Value) -> TeraResult<()> {
    match &value.inner {
        ValueInner::String(text) => {
            fuel::steps(text.len() / 64)?;
            fuel::bytes(text.len())
        }
        ValueInner::Array(_) | ValueInner::Map(_) => fuel::weigh(value),
        _ => fuel::bytes(8),
    }
}

#[inline]
fn is_composite(value: &Value) -> bool {
    matches!(value.inner, ValueInner::Array(_) | ValueInner::Map(_))
}

/// Pays for the parts of a value, which are copied.
fn taken_apart(value: Option<&Value>) -> TeraResult<()> {
    match value.map(|value| &value.inner) {
        Some(ValueInner::String(text)) => {
            fuel::steps(text.len() / 4)?;
            fuel::bytes(text.len().saturating_mul(16))
        }
        Some(ValueInner::Array(items)) => fuel::list(items.len()),
        _ => Ok(()),
    }
}

/// How many parts a value has, a text by words of the machine.
#[inline]
fn size(value: &Value) -> usize {
    match &value.inner {
        ValueInner::String(text) => text.len() / 64,
        ValueInner::Array(items) => items.len(),
        ValueInner::Map(map) => map.len(),
        _ => 0,
    }
}
