"""The table of fix templates.

A template is a generator function that looks at one suspicious statement (`Spot`) and yields
fixes of one kind. Its prior says how likely each of them is the right one, compared with those of
other templates; the fixes' own weights share it out. To add a template, write the function and
name it here.

The priors are fitted on past fixes of public repositories, with what was thought of them before as
a smoothing: `python benchmarks/template_priors.py --repos DIR...` prints them. Only those of the
templates that take something away are held lower than it says: what passes the tests by doing less
is often wrong (Qi et al., 2015).
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
    Template("comparison boundary", 0.90, conditions.boundary),
    Template("opposite comparison", 0.90, conditions.opposite),
    Template("related comparison", 0.86, conditions.related),
    Template("negation", 0.86, conditions.negation),
    Template("and/or", 0.88, conditions.and_or),
    Template("condition part too many", 0.45, conditions.drop_conjunct),
    Template("condition part missing", 0.55, conditions.add_conjunct),
    Template("None or truth", 0.87, conditions.none_or_truth),
    Template("condition always", 0.20, conditions.always),
    Template("swapped branches", 0.68, conditions.swap_branches),
    Template("arithmetic operator", 0.88, arithmetic.operator),
    Template("accumulate", 0.76, arithmetic.accumulate),
    Template("swapped operands", 0.68, arithmetic.swap_operands),
    Template("whole number", 0.84, arithmetic.integer),
    Template("off by one", 0.74, arithmetic.off_by_one),
    Template("sign", 0.68, arithmetic.sign),
    Template("slice bounds", 0.72, arithmetic.slice_bounds),
    Template("range bounds", 0.72, arithmetic.range_bounds),
    Template("variable", 0.86, names.variable),
    Template("assigned variable", 0.45, names.assigned_variable),
    Template("attribute", 0.51, names.attribute),
    Template("missing self", 0.76, names.missing_self),
    Template("variable for attribute", 0.52, names.variable_for_attribute),
    Template("whole for part", 0.42, names.part_of),
    Template("keyword", 0.62, names.keyword),
    Template("swapped arguments", 0.77, calls.swap_arguments),
    Template("argument too many", 0.40, calls.drop_argument),
    Template("argument missing", 0.68, calls.add_argument),
    Template("sibling method", 0.74, calls.sibling_method),
    Template("sibling function", 0.90, calls.sibling_function),
    Template("missing call", 0.62, calls.wrap),
    Template("surplus call", 0.79, calls.unwrap),
    Template("missing key", 0.62, calls.subscript_get),
    Template("await", 0.77, calls.awaiting),
    Template("sort order", 0.85, calls.sort_order),
    Template("truth value", 0.90, constants.truth),
    Template("number", 0.58, constants.number),
    Template("string", 0.42, constants.string),
    Template("empty value", 0.53, constants.empty),
    Template("value for constant", 0.43, constants.value_for_constant),
    Template("missing guard", 0.29, guards.missing_guard),
    Template("guard from elsewhere", 0.54, guards.lent_guard),
    Template("default for missing value", 0.45, guards.default_value),
    Template("surplus guard", 0.45, guards.surplus_guard),
    Template("missing return", 0.66, guards.missing_return),
    Template("returned value", 0.73, guards.returned_value),
    Template("if/elif", 0.58, guards.surplus_branch),
    Template("if/while", 0.20, guards.loop_to_condition),
    Template("statement too many", 0.40, statements.delete),
    Template("statement moved", 0.64, statements.move),
    Template("break/continue", 0.84, statements.exchange_jump),
    Template("missing break", 0.58, statements.missing_jump),
    Template("parameter not kept", 0.72, statements.assign_parameters),
    Template("statement from elsewhere", 0.53, statements.lent_statement),
    Template("counter not moved", 0.58, statements.update_counter),
    Template("yield", 0.63, statements.yielding),
    Template("swapped pair", 0.68, statements.unpack_order),
    Template("exception type", 0.78, exceptions.exception_type),
    Template("caught types", 0.69, exceptions.widen_catch),
    Template("mutable default", 0.90, defaults.mutable_default),
    Template("default value", 0.90, defaults.default),
    Template("decorator", 0.68, defaults.decorator),
    Template("statement without a guard", 0.34, wrapping.guarded_statement),
    Template("conditional value", 0.37, wrapping.conditional_value),
    Template("empty or None", 0.83, wrapping.either_value),
    Template("attribute that may be missing", 0.50, wrapping.attribute_default),
    Template("missing branch", 0.50, wrapping.other_branch),
    Template("type test", 0.68, types.type_test),
    Template("element", 0.62, types.element),
    Template("members", 0.58, types.members),
    Template("formatting", 0.68, types.formatting),
    Template("one of several", 0.56, types.one_of),
    Template("condition from elsewhere", 0.43, lent.condition),
    Template("argument from elsewhere", 0.67, lent.argument),
    Template("statement for another", 0.68, lent.statement),
    Template("own class", 0.68, lent.own_class),
    Template("everywhere", 0.52, repeated.everywhere),
    Template("exchanged values", 0.53, repeated.exchanged),
    Template("past fix", 0.77, taught.past_edit),
    Template("raise", 0.77, flow.raising),
    Template("asynchronous block", 0.77, flow.asynchronous_block),
    Template("parent's method", 0.82, flow.parent_call),
    Template("generator's values", 0.77, flow.generator),
)
