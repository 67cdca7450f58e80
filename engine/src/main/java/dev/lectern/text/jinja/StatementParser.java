package dev.lectern.text.jinja;

import dev.lectern.text.jinja.Statement.Target;
import dev.lectern.text.jinja.Token.Kind;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Reads a template's blocks. */
final class StatementParser extends ExpressionParser {
    private int loops;

    StatementParser(List<Token> tokens) {
        super(tokens);
    }

    List<Statement> template() {
        List<Statement> statements = body(Set.of());
        if (current().kind() != Kind.END) {
            throw unexpected("text or a tag");
        }
        return statements;
    }

    /** Statements up to a tag of one of these names, whose name is then the current token; or up to the end of the template. */
    private List<Statement> body(Set<String> ends) {
        enter();
        int opened = line();
        List<Statement> statements = new ArrayList<>();
        while (true) {
            Token token = next();
            switch (token.kind()) {
                case DATA -> statements.add(new Statement.Data(Text.of(token.text())));
                case PRINT_BEGIN -> {
                    statements.add(new Statement.Print(tuple(true), token.line()));
                    expect(Kind.PRINT_END, "\"}}\"");
                }
                case BLOCK_BEGIN -> {
                    if (current().kind() == Kind.NAME && ends.contains(current().text())) {
                        leave();
                        return statements;
                    }
                    statements.add(statement());
                }
                case END -> {
                    if (!ends.isEmpty()) {
                        throw JinjaException.template(
                                opened,
                                "the block that starts here has no end: \"{% " + last(ends) + " %}\" is missing");
                    }
                    leave();
                    return statements;
                }
                default -> throw JinjaException.template(token.line(), "unexpected " + token.described());
            }
        }
    }

    private static String last(Set<String> ends) {
        return ends.stream().filter(name -> name.startsWith("end")).findFirst().orElse("end");
    }

    private void close() {
        next();
        endTag();
    }

    private void endTag() {
        expect(Kind.BLOCK_END, "\"%}\"");
    }

    private Statement statement() {
        int line = line();
        String tag = expectName();
        return switch (tag) {
            case "for" -> loop(line);
            case "if" -> branches(line);
            case "set" -> set(line);
            case "macro" -> macro(line);
            case "call" -> call(line);
            case "filter" -> filterBlock(line);
            case "with" -> with(line);
            case "generation" -> generation(line);
            case "break", "continue" -> {
                if (loops == 0) {
                    throw JinjaException.template(line, "\"" + tag + "\" stands outside of a loop");
                }
                endTag();
                yield tag.equals("break") ? new Statement.Break(line) : new Statement.Continue(line);
            }
            case "block", "extends", "include", "import", "from", "autoescape", "do", "trans", "debug" ->
                throw JinjaException.template(line, "the tag \"" + tag + "\" is not supported");
            default -> throw JinjaException.template(line, "unknown or misplaced tag \"" + tag + "\"");
        };
    }

    private Statement loop(int line) {
        Target target = targets("in", false);
        if (!skipName("in")) {
            throw unexpected("\"in\"");
        }
        Expression items = tuple(false);
        Expression filter = skipName("if") ? expression() : null;
        if (current().name("recursive")) {
            throw JinjaException.template(line, "recursive loops are not supported");
        }
        endTag();
        loops++;
        List<Statement> body = body(Set.of("endfor", "else"));
        loops--;
        List<Statement> otherwise = List.of();
        if (skipName("else")) {
            endTag();
            otherwise = body(Set.of("endfor"));
        }
        close();
        return new Statement.For(target, items, filter, body, otherwise, line);
    }

    private Statement branches(int line) {
        List<Statement.Branch> branches = new ArrayList<>();
        List<Statement> otherwise = List.of();
        int branchLine = line;
        while (true) {
            Expression test = tuple(false);
            endTag();
            branches.add(new Statement.Branch(test, body(Set.of("elif", "else", "endif")), branchLine));
            branchLine = line();
            if (!skipName("elif")) {
                break;
            }
        }
        if (skipName("else")) {
            endTag();
            otherwise = body(Set.of("endif"));
        }
        close();
        return new Statement.If(branches, otherwise);
    }

    private Statement set(int line) {
        Target target = targets("", true);
        if (skip("=")) {
            Expression value = tuple(true);
            endTag();
            return new Statement.Set(target, value, line);
        }
        if (target instanceof Target.Several) {
            throw unexpected("\"=\"");
        }
        Expression value = filters(new Expression.Name(Statement.BODY, line));
        endTag();
        List<Statement> body = outsideLoops("endset");
        return new Statement.SetBlock(target, value, body, line);
    }

    private Statement macro(int line) {
        String name = expectName();
        checkAssignable(name, line);
        Statement.MacroDefinition signature = signature(name, line);
        endTag();
        List<Statement> body = outsideLoops("endmacro");
        return new Statement.MacroDefinition(name, signature.parameters(), signature.defaults(), body, line);
    }

    private List<Statement> outsideLoops(String end) {
        int enclosing = loops;
        loops = 0;
        List<Statement> body = body(Set.of(end));
        loops = enclosing;
        close();
        return body;
    }

    private Statement.MacroDefinition signature(String name, int line) {
        List<String> parameters = new ArrayList<>();
        List<@Nullable Expression> defaults = new ArrayList<>();
        expect("(");
        while (!current().operator(")")) {
            if (!parameters.isEmpty()) {
                expect(",");
            }
            String parameter = expectName();
            checkAssignable(parameter, line);
            parameters.add(parameter);
            if (skip("=")) {
                defaults.add(expression());
            } else if (!defaults.isEmpty() && defaults.getLast() != null) {
                throw JinjaException.template(line, "a parameter without default follows one with default");
            } else {
                defaults.add(null);
            }
        }
        expect(")");
        return new Statement.MacroDefinition(name, parameters, defaults, List.of(), line);
    }

    private Statement call(int line) {
        Statement.MacroDefinition signature = current().operator("(")
                ? signature("caller", line)
                : new Statement.MacroDefinition("caller", List.of(), List.of(), List.of(), line);
        Expression called = expression();
        if (!(called instanceof Expression.Call call)) {
            throw JinjaException.template(line, "the tag \"call\" wants a call");
        }
        endTag();
        List<Statement> body = outsideLoops("endcall");
        return new Statement.CallBlock(
                call,
                new Statement.MacroDefinition("caller", signature.parameters(), signature.defaults(), body, line),
                line);
    }

    private Statement filterBlock(int line) {
        String name = expectName();
        Expression.Passed passed = current().operator("(") ? arguments() : Expression.Passed.NONE;
        Expression value =
                filters(new Expression.Filter(new Expression.Name(Statement.BODY, line), name, passed, line));
        endTag();
        List<Statement> body = outsideLoops("endfilter");
        return new Statement.FilterBlock(value, body, line);
    }

    private Statement with(int line) {
        List<Target> targets = new ArrayList<>();
        List<Expression> values = new ArrayList<>();
        while (current().kind() != Kind.BLOCK_END) {
            if (!targets.isEmpty()) {
                expect(",");
            }
            targets.add(oneTarget(false));
            expect("=");
            values.add(expression());
        }
        endTag();
        List<Statement> body = body(Set.of("endwith"));
        close();
        return new Statement.With(targets, values, body, line);
    }

    private Statement generation(int line) {
        endTag();
        return new Statement.Scoped(outsideLoops("endgeneration"), line);
    }

    private Target targets(String end, boolean members) {
        Target first = oneTarget(members);
        if (!current().operator(",")) {
            return first;
        }
        List<Target> all = new ArrayList<>(List.of(first));
        while (skip(",")) {
            if (current().kind() == Kind.OPERATOR && !current().operator("(")
                    || current().name(end)) {
                break;
            }
            all.add(oneTarget(members));
        }
        return new Target.Several(all);
    }

    private Target oneTarget(boolean members) {
        int line = line();
        if (skip("(")) {
            enter();
            Target inner = targets("", members);
            leave();
            expect(")");
            return inner;
        }
        String name = expectName();
        if (members && skip(".")) {
            names().add(name);
            return new Target.Member(name, expectName());
        }
        checkAssignable(name, line);
        return new Target.Variable(name);
    }

    private static void checkAssignable(String name, int line) {
        if (Set.of("true", "false", "none", "True", "False", "None").contains(name)) {
            throw JinjaException.template(line, "\"" + name + "\" cannot be set");
        }
    }
}
