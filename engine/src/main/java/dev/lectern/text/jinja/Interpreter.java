package dev.lectern.text.jinja;

import dev.lectern.text.jinja.Statement.Target;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Runs statements: one rendering of one template. */
final class Interpreter {
    private enum Flow {
        NEXT,
        BREAK,
        CONTINUE
    }

    private final Budget budget;
    private final Evaluator evaluator;
    private Text.Builder out;

    Interpreter(Budget budget) {
        this.budget = budget;
        this.evaluator = new Evaluator(budget);
        this.out = new Text.Builder(budget);
    }

    Text render(List<Statement> statements, Scope scope) {
        run(statements, scope);
        return out.text();
    }

    private Flow run(List<Statement> statements, Scope scope) {
        for (Statement statement : statements) {
            budget.enter();
            Flow flow = run(statement, scope);
            budget.leave();
            if (flow != Flow.NEXT) {
                return flow;
            }
        }
        return Flow.NEXT;
    }

    private Flow run(Statement statement, Scope scope) {
        switch (statement) {
            case Statement.Data data -> out.append(data.text());
            case Statement.Print print -> {
                budget.at(print.line());
                out.append(Representation.string(evaluator.value(print.value(), scope), budget));
            }
            case Statement.For loop -> {
                return loop(loop, scope);
            }
            case Statement.If branches -> {
                return branch(branches, scope);
            }
            case Statement.Set set -> {
                budget.at(set.line());
                Object value = evaluator.value(set.value(), scope);
                budget.at(set.line());
                assign(set.target(), value, scope);
            }
            case Statement.SetBlock set -> {
                Scope inner = new Scope(scope);
                inner.set(Statement.BODY, captured(set.body(), new Scope(scope)));
                budget.at(set.line());
                assign(set.target(), evaluator.value(set.value(), inner), scope);
            }
            case Statement.FilterBlock filter -> {
                Scope inner = new Scope(scope);
                inner.set(Statement.BODY, captured(filter.body(), new Scope(scope)));
                budget.at(filter.line());
                out.append(Representation.string(evaluator.value(filter.value(), inner), budget));
            }
            case Statement.With with -> {
                return with(with, scope);
            }
            case Statement.MacroDefinition macro -> scope.set(macro.name(), macro(macro, scope));
            case Statement.CallBlock call -> {
                budget.at(call.line());
                Object printed = evaluator.call(call.call(), scope, Map.of("caller", macro(call.caller(), scope)));
                out.append(Representation.string(printed, budget));
            }
            case Statement.Scoped scoped -> out.append(captured(scoped.body(), new Scope(scope)));
            case Statement.Break _ -> {
                return Flow.BREAK;
            }
            case Statement.Continue _ -> {
                return Flow.CONTINUE;
            }
        }
        return Flow.NEXT;
    }

    private Flow branch(Statement.If branches, Scope scope) {
        for (Statement.Branch branch : branches.branches()) {
            budget.at(branch.line());
            if (evaluator.truth(branch.test(), scope)) {
                return run(branch.body(), scope);
            }
        }
        return run(branches.otherwise(), scope);
    }

    private Flow with(Statement.With with, Scope scope) {
        Scope inner = new Scope(scope);
        budget.at(with.line());
        List<Object> values = new ArrayList<>();
        for (Expression value : with.values()) {
            values.add(evaluator.value(value, scope));
        }
        for (int i = 0; i < values.size(); i++) {
            assign(with.targets().get(i), values.get(i), inner);
        }
        return run(with.body(), inner);
    }

    private Text captured(List<Statement> body, Scope scope) {
        Text.Builder outer = out;
        out = new Text.Builder(budget);
        run(body, scope);
        Text text = out.text();
        out = outer;
        return text;
    }

    private Flow loop(Statement.For loop, Scope scope) {
        budget.at(loop.line());
        Object over = evaluator.value(loop.items(), scope);
        budget.at(loop.line());
        List<Object> items = Values.elements(over, budget);
        Expression filter = loop.filter();
        if (filter != null) {
            List<Object> kept = new ArrayList<>();
            for (Object item : items) {
                Scope inner = new Scope(scope);
                assign(loop.target(), item, inner);
                if (evaluator.truth(filter, inner)) {
                    kept.add(item);
                }
            }
            items = kept;
        }
        Loop state = new Loop(items);
        // As in jinja2: "else" runs unless a round of the body ran to its end.
        boolean completed = false;
        for (int i = 0; i < items.size(); i++) {
            budget.steps(1);
            state.at(i);
            Scope inner = new Scope(scope);
            inner.set("loop", state);
            assign(loop.target(), items.get(i), inner);
            Flow flow = run(loop.body(), inner);
            if (flow == Flow.BREAK) {
                break;
            }
            completed |= flow == Flow.NEXT;
        }
        return completed ? Flow.NEXT : run(loop.otherwise(), new Scope(scope));
    }

    private void assign(Target target, Object value, Scope scope) {
        switch (target) {
            case Target.Variable variable -> scope.set(variable.name(), value);
            case Target.Member member -> {
                if (!(scope.find(member.namespace()) instanceof Values.Namespace namespace)) {
                    throw budget.error("\"" + Members.shortened(member.namespace())
                            + "\" is not a namespace: its attribute cannot be set");
                }
                namespace.members().put(Globals.checked(member.name(), budget), value);
            }
            case Target.Several several -> {
                List<Object> values = Values.elements(value, budget);
                if (value instanceof Values.Undefined
                        || values.size() != several.targets().size()) {
                    throw budget.error(
                            several.targets().size() + " variables cannot be set from " + values.size() + " values");
                }
                for (int i = 0; i < values.size(); i++) {
                    assign(several.targets().get(i), values.get(i), scope);
                }
            }
        }
    }

    private Values.Function macro(Statement.MacroDefinition macro, Scope definition) {
        return arguments -> {
            Scope scope = new Scope(definition);
            bind(macro, arguments, scope);
            budget.enter();
            Text printed = captured(macro.body(), scope);
            budget.leave();
            return printed;
        };
    }

    private void bind(Statement.MacroDefinition macro, Arguments arguments, Scope scope) {
        List<String> parameters = macro.parameters();
        List<Object> given = arguments.positional();
        Map<String, Object> named = new LinkedHashMap<>(arguments.named());
        Object caller = named.remove("caller");
        scope.set("caller", caller == null ? new Values.Undefined("\"caller\" is undefined") : caller);
        if (given.size() > parameters.size()) {
            throw budget.error("the macro " + macro.name() + "() takes at most " + parameters.size()
                    + " arguments, not " + given.size());
        }
        for (int i = 0; i < parameters.size(); i++) {
            String parameter = parameters.get(i);
            Object byName = named.remove(parameter);
            Object value = i < given.size() ? given.get(i) : byName;
            if (i < given.size() && byName != null) {
                throw budget.error(
                        "the macro " + macro.name() + "() is given the argument \"" + parameter + "\" twice");
            }
            Expression fallback = macro.defaults().get(i);
            if (value == null) {
                value = fallback == null
                        ? new Values.Undefined("the parameter \"" + parameter + "\" was not given")
                        : evaluator.value(fallback, scope);
            }
            scope.set(parameter, value);
        }
        if (!named.isEmpty()) {
            throw budget.error("the macro " + macro.name() + "() has no argument \""
                    + Members.shortened(named.keySet().iterator().next()) + "\"");
        }
    }
}
