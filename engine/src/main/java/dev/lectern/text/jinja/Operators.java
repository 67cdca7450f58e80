package dev.lectern.text.jinja;

import java.math.BigDecimal;
import java.math.RoundingMode;
import java.util.ArrayList;
import java.util.List;

/** Python's arithmetic. Integers have 64 bits here; a result beyond them is an error, never a wrong number. */
final class Operators {
    private Operators() {}

    static Object apply(String operator, Object a, Object b, Budget budget) {
        try {
            return switch (operator) {
                case "+" -> add(a, b, budget);
                case "*" -> multiply(a, b, budget);
                case "%" -> a instanceof Text text ? percent(text, b, budget) : numeric("%", a, b, budget);
                default -> numeric(operator, a, b, budget);
            };
        } catch (ArithmeticException _) {
            throw budget.error("a number is too large: integers of 64 bits are supported");
        }
    }

    private static JinjaException unsupported(String operator, Object a, Object b, Budget budget) {
        return Values.misused(
                a,
                b,
                budget,
                "\"" + operator + "\" cannot be applied to values of type " + Values.type(a) + " and "
                        + Values.type(b));
    }

    private static Object add(Object a, Object b, Budget budget) {
        if (a instanceof Text x && b instanceof Text y) {
            return new Text.Builder(budget).append(x).append(y).text();
        }
        if (a instanceof List<?> x && b instanceof List<?> y) {
            return chained(x, y, budget);
        }
        if (a instanceof Values.Tuple x && b instanceof Values.Tuple y) {
            return new Values.Tuple(chained(x.items(), y.items(), budget));
        }
        return numeric("+", a, b, budget);
    }

    private static List<Object> chained(List<?> a, List<?> b, Budget budget) {
        budget.steps((long) a.size() + b.size());
        List<Object> both = new ArrayList<>(a);
        both.addAll(b);
        return both;
    }

    private static Object multiply(Object a, Object b, Budget budget) {
        if (Values.integer(a) != null && !Values.number(b)) {
            return multiply(b, a, budget);
        }
        Long times = Values.integer(b);
        if (times != null && a instanceof Text text) {
            return Strings.repeated(text, times, budget);
        }
        if (times != null && a instanceof List<?> list) {
            return repeated(list, times, budget);
        }
        if (times != null && a instanceof Values.Tuple tuple) {
            return new Values.Tuple(repeated(tuple.items(), times, budget));
        }
        return numeric("*", a, b, budget);
    }

    private static List<Object> repeated(List<?> list, long times, Budget budget) {
        List<Object> result = new ArrayList<>();
        for (long i = 0; i < times && !list.isEmpty(); i++) {
            budget.steps(list.size());
            result.addAll(list);
        }
        return result;
    }

    private static Object numeric(String operator, Object a, Object b, Budget budget) {
        if (!Values.number(a) || !Values.number(b)) {
            throw unsupported(operator, a, b, budget);
        }
        Long x = Values.integer(a);
        Long y = Values.integer(b);
        boolean divides = operator.equals("/") || operator.equals("//") || operator.equals("%");
        if (divides && Values.real(b) == 0) {
            throw budget.error("a number is divided by zero");
        }
        return x == null || y == null || operator.equals("/")
                ? (Object) real(operator, Values.real(a), Values.real(b), budget)
                : integer(operator, x, y, budget);
    }

    private static Object integer(String operator, long x, long y, Budget budget) {
        return switch (operator) {
            case "+" -> Math.addExact(x, y);
            case "-" -> Math.subtractExact(x, y);
            case "*" -> Math.multiplyExact(x, y);
            case "//" -> Math.floorDivExact(x, y);
            case "%" -> Math.floorMod(x, y);
            default -> y < 0 ? (Object) real(operator, x, y, budget) : (Object) power(x, y);
        };
    }

    private static long power(long base, long exponent) {
        long result = 1;
        long square = base;
        for (long left = exponent; left > 0; left >>= 1) {
            if ((left & 1) == 1) {
                result = Math.multiplyExact(result, square);
            }
            if (left > 1) {
                square = Math.multiplyExact(square, square);
            }
        }
        return result;
    }

    private static double real(String operator, double x, double y, Budget budget) {
        return switch (operator) {
            case "+" -> x + y;
            case "-" -> x - y;
            case "*" -> x * y;
            case "/" -> x / y;
            case "//" -> Math.floor(x / y);
            case "%" -> {
                double rest = x % y;
                yield rest != 0 && (rest < 0) != (y < 0) ? rest + y : rest;
            }
            default -> {
                double power = Math.pow(x, y);
                if (Double.isNaN(power) || Double.isInfinite(power)) {
                    throw budget.error("the power of two numbers is not a real number");
                }
                yield power;
            }
        };
    }

    /** {@code "…%s…" % values}, with the conversions s, r, d, i and f. */
    static Text percent(Text format, Object values, Budget budget) {
        if (values instanceof java.util.Map<?, ?>) {
            throw budget.error("\"%\" with a dict on the right is not supported");
        }
        List<Object> given = values instanceof Values.Tuple tuple ? tuple.items() : List.of(values);
        int used = 0;
        Text.Builder out = new Text.Builder(budget);
        String chars = format.chars();
        budget.scan(chars.length());
        int plain = 0;
        for (int i = chars.indexOf('%'); i >= 0; i = chars.indexOf('%', plain)) {
            out.append(format, plain, i);
            int at = i + 1;
            int precision = 6;
            if (at + 1 < chars.length() && chars.charAt(at) == '.' && Character.isDigit(chars.charAt(at + 1))) {
                precision = Character.digit(chars.charAt(at + 1), 10);
                at += 2;
            }
            char conversion = at < chars.length() ? chars.charAt(at) : ' ';
            plain = at + 1;
            if (conversion == '%') {
                out.append("%");
                continue;
            }
            if ("srdif".indexOf(conversion) < 0) {
                throw budget.error(
                        "the format \"" + Members.shortened(chars) + "\" has a conversion that is not supported");
            }
            if (used == given.size()) {
                throw budget.error("the format \"" + Members.shortened(chars) + "\" wants more values");
            }
            out.append(converted(conversion, precision, given.get(used++), budget));
        }
        if (used < given.size()) {
            throw budget.error("the format \"" + Members.shortened(chars) + "\" wants fewer values");
        }
        return out.append(format, Math.min(plain, chars.length()), chars.length())
                .text();
    }

    private static String fixed(double value, int precision) {
        return Double.isNaN(value) || Double.isInfinite(value)
                ? Representation.real(value)
                : new BigDecimal(value)
                        .setScale(precision, RoundingMode.HALF_EVEN)
                        .toPlainString();
    }

    private static String whole(Object number, Budget budget) {
        Long integer = Values.integer(number);
        if (integer == null) {
            double value = Values.real(number);
            if (!(Math.abs(value) < 0x1p63)) {
                throw budget.error("a format wants an integer of 64 bits, not " + Representation.real(value));
            }
            integer = (long) value;
        }
        return Long.toString(integer);
    }

    private static Text converted(char conversion, int precision, Object value, Budget budget) {
        return switch (conversion) {
            case 's' -> Representation.string(value, budget);
            case 'r' -> Representation.repr(value, budget);
            default -> {
                if (!Values.number(value)) {
                    throw Values.misused(
                            value, value, budget, "a format wants a number, not a value of type " + Values.type(value));
                }
                yield Text.of(conversion == 'f' ? fixed(Values.real(value), precision) : whole(value, budget));
            }
        };
    }
}
