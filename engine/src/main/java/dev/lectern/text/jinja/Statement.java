package dev.lectern.text.jinja;

import java.util.List;
import org.jspecify.annotations.Nullable;

/** A piece of a template that is run for what it prints or sets. */
sealed interface Statement {
    record Data(Text text) implements Statement {}

    record Print(Expression value, int line) implements Statement {}

    record For(
            Target target,
            Expression items,
            @Nullable Expression filter,
            List<Statement> body,
            List<Statement> otherwise,
            int line)
            implements Statement {}

    record If(List<Branch> branches, List<Statement> otherwise) implements Statement {}

    record Branch(Expression test, List<Statement> body, int line) {}

    record Set(Target target, Expression value, int line) implements Statement {}

    /** A block whose output becomes a value; the filters' innermost target is {@link #BODY}. */
    record SetBlock(Target target, Expression value, List<Statement> body, int line) implements Statement {}

    /** A block whose output is printed through filters. */
    record FilterBlock(Expression value, List<Statement> body, int line) implements Statement {}

    record With(List<Target> targets, List<Expression> values, List<Statement> body, int line) implements Statement {}

    record MacroDefinition(
            String name, List<String> parameters, List<@Nullable Expression> defaults, List<Statement> body, int line)
            implements Statement {}

    record CallBlock(Expression.Call call, MacroDefinition caller, int line) implements Statement {}

    /** A block with a scope of its own: {@code generation}. */
    record Scoped(List<Statement> body, int line) implements Statement {}

    record Break(int line) implements Statement {}

    record Continue(int line) implements Statement {}

    /** The name under which a block's output is handed to its filters; no template can write it. */
    String BODY = "{body}";

    /** Where a value goes. */
    sealed interface Target {
        record Variable(String name) implements Target {}

        record Several(List<Target> targets) implements Target {}

        record Member(String namespace, String name) implements Target {}
    }
}
