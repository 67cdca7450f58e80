package dev.lectern.text.jinja;

import dev.lectern.text.jinja.Token.Kind;
import java.util.List;

/** A place in the tokens of a template. */
class TokenCursor {
    private final List<Token> tokens;
    private int at;

    TokenCursor(List<Token> tokens) {
        this.tokens = tokens;
    }

    final Token current() {
        return tokens.get(at);
    }

    final Token following() {
        return tokens.get(Math.min(at + 1, tokens.size() - 1));
    }

    final Token next() {
        Token token = current();
        if (at < tokens.size() - 1) {
            at++;
        }
        return token;
    }

    final int line() {
        return current().line();
    }

    final boolean skip(String operator) {
        if (current().operator(operator)) {
            next();
            return true;
        }
        return false;
    }

    final boolean skipName(String name) {
        if (current().name(name)) {
            next();
            return true;
        }
        return false;
    }

    final void expect(String operator) {
        if (!skip(operator)) {
            throw unexpected("\"" + operator + "\"");
        }
    }

    final void expect(Kind kind, String what) {
        if (current().kind() != kind) {
            throw unexpected(what);
        }
        next();
    }

    final String expectName() {
        if (current().kind() != Kind.NAME) {
            throw unexpected("a name");
        }
        return next().text();
    }

    final JinjaException unexpected(String wanted) {
        return JinjaException.template(
                line(), "expected " + wanted + " but found " + current().described());
    }
}
