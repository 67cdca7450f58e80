package dev.lectern.text.jinja;

import dev.lectern.text.jinja.Expression.Passed;
import dev.lectern.text.jinja.Expression.Term;
import dev.lectern.text.jinja.Token.Kind;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Reads expressions, with Jinja's precedences. */
class ExpressionParser extends TokenCursor {
    /** A level of nesting costs about ten Java frames here. */
    private static final int DEPTH = 100;

    private final Set<String> names = new LinkedHashSet<>();
    private int depth;

    ExpressionParser(List<Token> tokens) {
        super(tokens);
    }

    /** Every name that is read as a variable. */
    final Set<String> names() {
        return names;
    }

    final void enter() {
        if (++depth > DEPTH) {
            throw new JinjaException(
                    JinjaException.Reason.LIMIT, line(), "expressions and blocks nest more than " + DEPTH + " deep");
        }
    }

    final void leave() {
        depth--;
    }

    final Expression expression() {
        enter();
        Expression value = disjunction();
        while (skipName("if")) {
            Expression test = disjunction();
            Expression otherwise = skipName("else") ? expression() : null;
            value = new Expression.Conditional(test, value, otherwise);
        }
        leave();
        return value;
    }

    /** One expression, or several with commas between them, which make a tuple. */
    final Expression tuple(boolean conditional) {
        Expression first = conditional ? expression() : disjunction();
        if (!current().operator(",")) {
            return first;
        }
        List<Expression> items = new ArrayList<>(List.of(first));
        while (skip(",")) {
            if (endsTuple()) {
                break;
            }
            items.add(conditional ? expression() : disjunction());
        }
        return new Expression.TupleOf(items);
    }

    private boolean endsTuple() {
        Token token = current();
        return token.kind() == Kind.BLOCK_END || token.kind() == Kind.PRINT_END || token.operator(")");
    }

    private Expression disjunction() {
        Expression first = conjunction();
        if (!current().name("or")) {
            return first;
        }
        List<Expression> operands = new ArrayList<>(List.of(first));
        while (skipName("or")) {
            operands.add(conjunction());
        }
        return new Expression.Logic(false, operands);
    }

    private Expression conjunction() {
        Expression first = negation();
        if (!current().name("and")) {
            return first;
        }
        List<Expression> operands = new ArrayList<>(List.of(first));
        while (skipName("and")) {
            operands.add(negation());
        }
        return new Expression.Logic(true, operands);
    }

    private Expression negation() {
        if (!skipName("not")) {
            return comparison();
        }
        enter();
        Expression operand = negation();
        leave();
        return new Expression.Not(operand);
    }

    private Expression comparison() {
        int line = line();
        Expression first = sum();
        List<Term> rest = new ArrayList<>();
        while (true) {
            Token token = current();
            String operator;
            if (token.kind() == Kind.OPERATOR
                    && Set.of("==", "!=", "<", "<=", ">", ">=").contains(token.text())) {
                operator = next().text();
            } else if (skipName("in")) {
                operator = "in";
            } else if (token.name("not") && following().name("in")) {
                next();
                next();
                operator = "not in";
            } else {
                return rest.isEmpty() ? first : new Expression.Comparison(first, rest, line);
            }
            rest.add(new Term(operator, sum()));
        }
    }

    private Expression sum() {
        int line = line();
        Expression first = concatenation();
        List<Term> rest = new ArrayList<>();
        while (current().operator("+") || current().operator("-")) {
            rest.add(new Term(next().text(), concatenation()));
        }
        return rest.isEmpty() ? first : new Expression.Arithmetic(first, rest, line);
    }

    private Expression concatenation() {
        Expression first = product();
        if (!current().operator("~")) {
            return first;
        }
        List<Expression> operands = new ArrayList<>(List.of(first));
        while (skip("~")) {
            operands.add(product());
        }
        return new Expression.Concatenation(operands);
    }

    private Expression product() {
        int line = line();
        Expression first = power();
        List<Term> rest = new ArrayList<>();
        while (current().kind() == Kind.OPERATOR
                && Set.of("*", "/", "//", "%").contains(current().text())) {
            rest.add(new Term(next().text(), power()));
        }
        return rest.isEmpty() ? first : new Expression.Arithmetic(first, rest, line);
    }

    private Expression power() {
        int line = line();
        Expression first = unary(true);
        List<Term> rest = new ArrayList<>();
        while (skip("**")) {
            rest.add(new Term("**", unary(true)));
        }
        return rest.isEmpty() ? first : new Expression.Arithmetic(first, rest, line);
    }

    private Expression unary(boolean filters) {
        int line = line();
        Expression value;
        if (current().operator("-") || current().operator("+")) {
            char operator = next().text().charAt(0);
            enter();
            value = new Expression.Unary(operator, unary(false), line);
            leave();
        } else {
            value = primary();
        }
        value = postfix(value);
        return filters ? filtered(value) : value;
    }

    private Expression primary() {
        Token token = current();
        int line = token.line();
        switch (token.kind()) {
            case NAME -> {
                next();
                return switch (token.text()) {
                    case "true", "True" -> new Expression.Literal(true);
                    case "false", "False" -> new Expression.Literal(false);
                    case "none", "None" -> new Expression.Literal(Values.NONE);
                    default -> {
                        names.add(token.text());
                        yield new Expression.Name(token.text(), line);
                    }
                };
            }
            case STRING -> {
                StringBuilder text = new StringBuilder();
                while (current().kind() == Kind.STRING) {
                    text.append(next().text());
                }
                return new Expression.Literal(Text.of(text.toString()));
            }
            case INTEGER -> {
                return new Expression.Literal(Long.valueOf(next().text()));
            }
            case FLOAT -> {
                return new Expression.Literal(Double.valueOf(next().text()));
            }
            default -> {
                if (skip("(")) {
                    return parenthesised();
                }
                if (skip("[")) {
                    return new Expression.ListOf(items("]"));
                }
                if (skip("{")) {
                    return dict(line);
                }
                throw unexpected("an expression");
            }
        }
    }

    private Expression parenthesised() {
        if (skip(")")) {
            return new Expression.TupleOf(List.of());
        }
        Expression value = tuple(true);
        expect(")");
        return value;
    }

    private List<Expression> items(String close) {
        List<Expression> items = new ArrayList<>();
        while (!current().operator(close)) {
            if (!items.isEmpty()) {
                expect(",");
                if (current().operator(close)) {
                    break;
                }
            }
            items.add(expression());
        }
        expect(close);
        return items;
    }

    private Expression dict(int line) {
        List<Expression> keys = new ArrayList<>();
        List<Expression> values = new ArrayList<>();
        while (!current().operator("}")) {
            if (!keys.isEmpty()) {
                expect(",");
                if (current().operator("}")) {
                    break;
                }
            }
            keys.add(expression());
            expect(":");
            values.add(expression());
        }
        expect("}");
        return new Expression.DictOf(keys, values, line);
    }

    private Expression postfix(Expression start) {
        Expression value = start;
        while (true) {
            int line = line();
            if (skip(".")) {
                Token name = next();
                if (name.kind() == Kind.NAME) {
                    value = new Expression.Attribute(value, name.text(), line);
                } else if (name.kind() == Kind.INTEGER) {
                    value = new Expression.Item(value, new Expression.Literal(Long.valueOf(name.text())), line);
                } else {
                    throw JinjaException.template(
                            line, "expected a name or number after \".\" but found " + name.described());
                }
            } else if (skip("[")) {
                value = new Expression.Item(value, subscript(), line);
                expect("]");
            } else if (current().operator("(")) {
                value = new Expression.Call(value, arguments(), line);
            } else {
                return value;
            }
        }
    }

    private Expression subscript() {
        Expression start = null;
        if (!current().operator(":")) {
            start = expression();
            if (current().operator(",")) {
                throw JinjaException.template(line(), "several subscripts in one pair of brackets are not supported");
            }
            if (!current().operator(":")) {
                return start;
            }
        }
        expect(":");
        Expression stop = bound();
        Expression step = skip(":") ? bound() : null;
        return new Expression.Slice(start, stop, step);
    }

    private @Nullable Expression bound() {
        return current().operator(":") || current().operator("]") ? null : expression();
    }

    private Expression filtered(Expression start) {
        Expression value = start;
        while (true) {
            if (current().operator("|")) {
                value = filters(value);
            } else if (current().name("is")) {
                value = test(value);
            } else if (current().operator("(")) {
                value = new Expression.Call(value, arguments(), line());
            } else {
                return value;
            }
        }
    }

    /** {@code |name(arguments)|…} behind a value. */
    final Expression filters(Expression start) {
        Expression value = start;
        while (current().operator("|")) {
            int line = next().line();
            String name = dottedName();
            Passed passed = current().operator("(") ? arguments() : Passed.NONE;
            value = new Expression.Filter(value, name, passed, line);
        }
        return value;
    }

    private Expression test(Expression value) {
        int line = next().line();
        boolean negated = skipName("not");
        String name = dottedName();
        Passed passed = Passed.NONE;
        Token token = current();
        boolean operand = switch (token.kind()) {
            case NAME -> !Set.of("else", "or", "and", "if").contains(token.text());
            case STRING, INTEGER, FLOAT -> true;
            default -> token.operator("[") || token.operator("{");
        };
        if (token.operator("(")) {
            passed = arguments();
        } else if (token.name("is")) {
            throw JinjaException.template(line, "tests cannot be chained with \"is\"");
        } else if (operand) {
            passed = new Passed(List.of(postfix(primary())), Map.of());
        }
        Expression test = new Expression.Test(value, name, passed, line);
        return negated ? new Expression.Not(test) : test;
    }

    private String dottedName() {
        StringBuilder name = new StringBuilder(expectName());
        while (skip(".")) {
            name.append('.').append(expectName());
        }
        return name.toString();
    }

    final Passed arguments() {
        enter();
        expect("(");
        List<Expression> positional = new ArrayList<>();
        Map<String, Expression> named = new LinkedHashMap<>();
        boolean first = true;
        while (!current().operator(")")) {
            if (!first) {
                expect(",");
                if (current().operator(")")) {
                    break;
                }
            }
            first = false;
            if (current().operator("*") || current().operator("**")) {
                throw JinjaException.template(line(), "arguments unpacked with * or ** are not supported");
            }
            if (current().kind() == Kind.NAME && following().operator("=")) {
                String name = next().text();
                next();
                if (named.put(name, expression()) != null) {
                    throw JinjaException.template(line(), "the argument \"" + name + "\" is given twice");
                }
            } else if (named.isEmpty()) {
                positional.add(expression());
            } else {
                throw JinjaException.template(line(), "an argument without a name follows one with a name");
            }
        }
        expect(")");
        leave();
        return new Passed(positional, named);
    }
}
