package dev.lectern.text.jinja;

import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * A template, read once and rendered often. The language is Jinja as transformers runs it for chat templates (immutable
 * sandbox, {@code trim_blocks}, {@code lstrip_blocks}, loop controls, {@code raise_exception}, {@code strftime_now},
 * {@code tojson} without HTML escapes); what is missing is refused by name and line. Instances are immutable and may be
 * used by several threads.
 */
public final class Template {
    private static final int MAX_SOURCE = 1 << 20;

    private final List<Statement> statements;
    private final Set<String> names;

    private Template(List<Statement> statements, Set<String> names) {
        this.statements = statements;
        this.names = names;
    }

    /**
     * Reads a template.
     *
     * @throws JinjaException if it is not well formed, too large, or outside the subset
     */
    public static Template parse(String source) {
        if (source.length() > MAX_SOURCE) {
            throw new JinjaException(JinjaException.Reason.LIMIT, 0, "it is longer than " + MAX_SOURCE + " characters");
        }
        try {
            StatementParser parser = new StatementParser(Lexer.tokens(source));
            List<Statement> statements = parser.template();
            return new Template(statements, Set.copyOf(parser.names()));
        } catch (StackOverflowError _) {
            throw new JinjaException(JinjaException.Reason.LIMIT, 0, "it nests too deeply for this thread's stack");
        }
    }

    /** Every name that the template reads as a variable, those that it sets itself included. */
    public Set<String> names() {
        return names;
    }

    /**
     * Renders.
     *
     * @param variables what the template finds: {@link Text}, Boolean, Long, Double, {@link #none()}, and Lists and Maps (keys:
     *     Text) of these; never changed
     * @throws JinjaException if the template fails, refuses, or costs too much
     */
    public Text render(Map<String, Object> variables) {
        long inputChars = 0;
        for (Object value : variables.values()) {
            inputChars += size(value);
        }
        Budget budget = new Budget(inputChars);
        Scope globals = new Scope(null);
        Globals.define(globals);
        variables.forEach(globals::set);
        try {
            return new Interpreter(budget).render(statements, new Scope(globals));
        } catch (StackOverflowError _) {
            throw budget.limit("it nests too deeply for this thread's stack");
        }
    }

    /** Python's None. */
    public static Object none() {
        return Values.NONE;
    }

    private static long size(Object value) {
        return switch (value) {
            case Text text -> text.length();
            case List<?> list -> list.stream().mapToLong(Template::size).sum();
            case Map<?, ?> map ->
                map.values().stream().mapToLong(Template::size).sum();
            default -> 8;
        };
    }
}
