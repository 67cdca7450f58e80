package dev.lectern.text.jinja;

import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** What stands between {@code {{} and {@code }}}, or in a statement where a value is wanted. */
sealed interface Expression {
    record Literal(Object value) implements Expression {}

    record Name(String name, int line) implements Expression {}

    record ListOf(List<Expression> items) implements Expression {}

    record TupleOf(List<Expression> items) implements Expression {}

    record DictOf(List<Expression> keys, List<Expression> values, int line) implements Expression {}

    record Unary(char operator, Expression operand, int line) implements Expression {}

    record Not(Expression operand) implements Expression {}

    /** {@code a and b and …}, or the same with {@code or}. */
    record Logic(boolean and, List<Expression> operands) implements Expression {}

    record Comparison(Expression first, List<Term> rest, int line) implements Expression {}

    /** {@code a + b - …} from the left, operators of one precedence. */
    record Arithmetic(Expression first, List<Term> rest, int line) implements Expression {}

    record Term(String operator, Expression operand) {}

    record Concatenation(List<Expression> operands) implements Expression {}

    record Conditional(
            Expression test, Expression then, @Nullable Expression otherwise) implements Expression {}

    record Attribute(Expression target, String name, int line) implements Expression {}

    record Item(Expression target, Expression index, int line) implements Expression {}

    record Slice(
            @Nullable Expression start,
            @Nullable Expression stop,
            @Nullable Expression step) implements Expression {}

    record Call(Expression target, Passed passed, int line) implements Expression {}

    record Filter(Expression target, String name, Passed passed, int line) implements Expression {}

    record Test(Expression target, String name, Passed passed, int line) implements Expression {}

    /** Arguments as written. */
    record Passed(List<Expression> positional, Map<String, Expression> named) {
        static final Passed NONE = new Passed(List.of(), Map.of());
    }
}
