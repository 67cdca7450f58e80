package dev.lectern.text.jinja;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Computes expressions. */
final class Evaluator {
    private final Budget budget;
    private final Members members;
    private final Filters filters;

    Evaluator(Budget budget) {
        this.budget = budget;
        this.members = new Members(budget);
        this.filters = new Filters(budget, members);
    }

    boolean truth(Expression expression, Scope scope) {
        return Values.truth(value(expression, scope));
    }

    Object value(Expression expression, Scope scope) {
        budget.enter();
        Object value = switch (expression) {
            case Expression.Literal literal -> literal.value();
            case Expression.Name name -> name(name, scope);
            case Expression.ListOf list -> values(list.items(), scope);
            case Expression.TupleOf tuple -> new Values.Tuple(values(tuple.items(), scope));
            case Expression.DictOf dict -> dict(dict, scope);
            case Expression.Unary unary -> unary(unary, scope);
            case Expression.Not not -> !truth(not.operand(), scope);
            case Expression.Logic logic -> logic(logic, scope);
            case Expression.Comparison comparison -> comparison(comparison, scope);
            case Expression.Arithmetic arithmetic -> arithmetic(arithmetic, scope);
            case Expression.Concatenation concatenation -> concatenation(concatenation, scope);
            case Expression.Conditional conditional -> conditional(conditional, scope);
            case Expression.Attribute attribute -> {
                Object target = value(attribute.target(), scope);
                budget.at(attribute.line());
                yield members.attribute(target, Text.of(attribute.name()));
            }
            case Expression.Item item -> item(item, scope);
            case Expression.Slice _ -> throw budget.error("a slice stands outside of brackets");
            case Expression.Call call -> call(call, scope);
            case Expression.Filter filter -> {
                Object target = value(filter.target(), scope);
                Arguments arguments = arguments("the filter \"" + filter.name() + "\"", filter.passed(), scope);
                budget.at(filter.line());
                yield filters.apply(filter.name(), target, arguments);
            }
            case Expression.Test test -> {
                Object target = value(test.target(), scope);
                Arguments arguments = arguments("the test \"" + test.name() + "\"", test.passed(), scope);
                budget.at(test.line());
                yield Tests.holds(test.name(), target, arguments);
            }
        };
        budget.leave();
        return value;
    }

    private Object name(Expression.Name name, Scope scope) {
        Object value = scope.find(name.name());
        return value == null ? new Values.Undefined("\"" + Members.shortened(name.name()) + "\" is undefined") : value;
    }

    private List<Object> values(List<Expression> expressions, Scope scope) {
        List<Object> values = new ArrayList<>(expressions.size());
        for (Expression expression : expressions) {
            values.add(value(expression, scope));
        }
        return values;
    }

    private Object dict(Expression.DictOf dict, Scope scope) {
        budget.steps(8 + 4L * dict.keys().size());
        Map<Object, Object> map = new LinkedHashMap<>();
        for (int i = 0; i < dict.keys().size(); i++) {
            Object key = value(dict.keys().get(i), scope);
            budget.at(dict.line());
            Values.put(map, Values.key(key, budget), value(dict.values().get(i), scope));
        }
        return map;
    }

    private Object unary(Expression.Unary unary, Scope scope) {
        Object operand = value(unary.operand(), scope);
        budget.at(unary.line());
        if (operand instanceof Double d) {
            return unary.operator() == '-' ? -d : d;
        }
        return Operators.apply(String.valueOf(unary.operator()), 0L, operand, budget);
    }

    private Object logic(Expression.Logic logic, Scope scope) {
        Object value = Values.NONE;
        for (Expression operand : logic.operands()) {
            value = value(operand, scope);
            if (Values.truth(value) != logic.and()) {
                break;
            }
        }
        return value;
    }

    private Object comparison(Expression.Comparison comparison, Scope scope) {
        Object left = value(comparison.first(), scope);
        for (Expression.Term term : comparison.rest()) {
            Object right = value(term.operand(), scope);
            budget.at(comparison.line());
            if (!Tests.compare(term.operator(), left, right, budget)) {
                return false;
            }
            left = right;
        }
        return true;
    }

    private Object arithmetic(Expression.Arithmetic arithmetic, Scope scope) {
        Object result = value(arithmetic.first(), scope);
        for (Expression.Term term : arithmetic.rest()) {
            Object operand = value(term.operand(), scope);
            budget.at(arithmetic.line());
            result = Operators.apply(term.operator(), result, operand, budget);
        }
        return result;
    }

    private Object concatenation(Expression.Concatenation concatenation, Scope scope) {
        return Strings.join(values(concatenation.operands(), scope), Text.EMPTY, budget);
    }

    private Object conditional(Expression.Conditional conditional, Scope scope) {
        if (truth(conditional.test(), scope)) {
            return value(conditional.then(), scope);
        }
        Expression otherwise = conditional.otherwise();
        return otherwise == null
                ? new Values.Undefined("the inline if-expression was false and has no else")
                : value(otherwise, scope);
    }

    private Object item(Expression.Item item, Scope scope) {
        Object target = value(item.target(), scope);
        if (item.index() instanceof Expression.Slice slice) {
            Object start = optional(slice.start(), scope);
            Object stop = optional(slice.stop(), scope);
            Object step = optional(slice.step(), scope);
            budget.at(item.line());
            return members.slice(target, start, stop, step);
        }
        Object index = value(item.index(), scope);
        budget.at(item.line());
        return members.item(target, index);
    }

    private @Nullable Object optional(@Nullable Expression expression, Scope scope) {
        return expression == null ? null : value(expression, scope);
    }

    private Object call(Expression.Call call, Scope scope) {
        return call(call, scope, Map.of());
    }

    /** Calls with more named arguments than are written. */
    Object call(Expression.Call call, Scope scope, Map<String, Object> more) {
        Object target = value(call.target(), scope);
        String callee = switch (call.target()) {
            case Expression.Name name -> Members.shortened(name.name()) + "()";
            case Expression.Attribute attribute -> Members.shortened(attribute.name()) + "()";
            default -> "the function";
        };
        Arguments arguments = arguments(callee, call.passed(), scope);
        budget.at(call.line());
        if (!more.isEmpty()) {
            Map<String, Object> named = new LinkedHashMap<>(arguments.named());
            named.putAll(more);
            arguments = new Arguments(callee, arguments.positional(), named, budget);
        }
        if (target instanceof Values.Function function) {
            return function.call(arguments);
        }
        throw Values.misused(target, target, budget, "a value of type " + Values.type(target) + " cannot be called");
    }

    private Arguments arguments(String callee, Expression.Passed passed, Scope scope) {
        Map<String, Object> named = new LinkedHashMap<>();
        passed.named().forEach((name, expression) -> named.put(name, value(expression, scope)));
        return new Arguments(callee, values(passed.positional(), scope), named, budget);
    }
}
