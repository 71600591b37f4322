"""The table of fix templates.

A template is a generator function that looks at one suspicious statement (`Spot`) and yields
fixes of one kind. Its prior says how often, among single faults of this kind of place, it is the
right one; the fixes' own weights share it out. To add a template, write the function and name it
here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from swe_sleep.repair.spot import Fix, Spot
from swe_sleep.repair.templates import (
    arithmetic,
    calls,
    conditions,
    constants,
    defaults,
    exceptions,
    flow,
    guards,
    lent,
    names,
    repeated,
    statements,
    taught,
    types,
    wrapping,
)


@dataclass(frozen=True, slots=True)
class Template:
    name: str
    prior: float
    fixes: Callable[[Spot], Iterator[Fix]]


TEMPLATES: tuple[Template, ...] = (
    Template("comparison boundary", 0.85, conditions.boundary),
    Template("opposite comparison", 0.80, conditions.opposite),
    Template("related comparison", 0.50, conditions.related),
    Template("negation", 0.75, conditions.negation),
    Template("and/or", 0.75, conditions.and_or),
    Template("condition part too many", 0.45, conditions.drop_conjunct),
    Template("condition part missing", 0.45, conditions.add_conjunct),
    Template("None or truth", 0.50, conditions.none_or_truth),
    Template("condition always", 0.20, conditions.always),
    Template("swapped branches", 0.50, conditions.swap_branches),
    Template("arithmetic operator", 0.80, arithmetic.operator),
    Template("accumulate", 0.60, arithmetic.accumulate),
    Template("swapped operands", 0.50, arithmetic.swap_operands),
    Template("whole number", 0.75, arithmetic.integer),
    Template("off by one", 0.60, arithmetic.off_by_one),
    Template("sign", 0.50, arithmetic.sign),
    Template("slice bounds", 0.55, arithmetic.slice_bounds),
    Template("range bounds", 0.55, arithmetic.range_bounds),
    Template("variable", 0.60, names.variable),
    Template("assigned variable", 0.30, names.assigned_variable),
    Template("attribute", 0.55, names.attribute),
    Template("missing self", 0.60, names.missing_self),
    Template("variable for attribute", 0.35, names.variable_for_attribute),
    Template("whole for part", 0.25, names.part_of),
    Template("keyword", 0.45, names.keyword),
    Template("swapped arguments", 0.65, calls.swap_arguments),
    Template("argument too many", 0.35, calls.drop_argument),
    Template("argument missing", 0.40, calls.add_argument),
    Template("sibling method", 0.60, calls.sibling_method),
    Template("sibling function", 0.60, calls.sibling_function),
    Template("missing call", 0.45, calls.wrap),
    Template("surplus call", 0.45, calls.unwrap),
    Template("missing key", 0.45, calls.subscript_get),
    Template("await", 0.60, calls.awaiting),
    Template("sort order", 0.70, calls.sort_order),
    Template("truth value", 0.80, constants.truth),
    Template("number", 0.45, constants.number),
    Template("string", 0.45, constants.string),
    Template("empty value", 0.40, constants.empty),
    Template("value for constant", 0.30, constants.value_for_constant),
    Template("missing guard", 0.35, guards.missing_guard),
    Template("guard from elsewhere", 0.35, guards.lent_guard),
    Template("default for missing value", 0.30, guards.default_value),
    Template("surplus guard", 0.35, guards.surplus_guard),
    Template("missing return", 0.60, guards.missing_return),
    Template("returned value", 0.40, guards.returned_value),
    Template("if/elif", 0.40, guards.surplus_branch),
    Template("if/while", 0.20, guards.loop_to_condition),
    Template("statement too many", 0.35, statements.delete),
    Template("statement moved", 0.35, statements.move),
    Template("break/continue", 0.70, statements.exchange_jump),
    Template("missing break", 0.40, statements.missing_jump),
    Template("parameter not kept", 0.60, statements.assign_parameters),
    Template("statement from elsewhere", 0.35, statements.lent_statement),
    Template("counter not moved", 0.40, statements.update_counter),
    Template("yield", 0.45, statements.yielding),
    Template("swapped pair", 0.50, statements.unpack_order),
    Template("exception type", 0.65, exceptions.exception_type),
    Template("caught types", 0.35, exceptions.widen_catch),
    Template("mutable default", 0.80, defaults.mutable_default),
    Template("default value", 0.60, defaults.default),
    Template("decorator", 0.50, defaults.decorator),
    Template("statement without a guard", 0.30, wrapping.guarded_statement),
    Template("conditional value", 0.30, wrapping.conditional_value),
    Template("empty or None", 0.45, wrapping.either_value),
    Template("attribute that may be missing", 0.25, wrapping.attribute_default),
    Template("missing branch", 0.25, wrapping.other_branch),
    Template("type test", 0.50, types.type_test),
    Template("element", 0.30, types.element),
    Template("members", 0.30, types.members),
    Template("formatting", 0.50, types.formatting),
    Template("one of several", 0.40, types.one_of),
    Template("condition from elsewhere", 0.30, lent.condition),
    Template("argument from elsewhere", 0.40, lent.argument),
    Template("statement for another", 0.35, lent.statement),
    Template("own class", 0.50, lent.own_class),
    Template("everywhere", 0.45, repeated.everywhere),
    Template("exchanged values", 0.40, repeated.exchanged),
    Template("past fix", 0.60, taught.past_edit),
    Template("raise", 0.60, flow.raising),
    Template("asynchronous block", 0.60, flow.asynchronous_block),
    Template("parent's method", 0.45, flow.parent_call),
    Template("generator's values", 0.60, flow.generator),
)
