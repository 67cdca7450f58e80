package dev.lectern.cli;

import dev.lectern.Answer.FinishReason;
import dev.lectern.Traffic;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * What came of a prompt, and what it took.
 *
 * @param answers texts without what was thought
 * @param thinking what was thought before each answer, empty where nothing was
 * @param reasons why each ended
 * @param prompt tokens of the prompt
 * @param cached of these, not read again
 * @param generated tokens of all answers
 * @param prefill seconds of reading
 * @param firstToken seconds from the model being ready to the first token
 * @param decode seconds from the first token to the last
 * @param kv bytes of the cache when the answer was done
 * @param index bytes of what the method of attention keeps beside it
 * @param bounded what became of a bound on the error of attention
 * @param methods that really ran, by the names of the contract
 * @param readings of each answer: the passages that it read most; empty where nobody asked
 */
record Outcome(
        List<String> answers,
        List<String> thinking,
        List<FinishReason> reasons,
        int prompt,
        int cached,
        int generated,
        double prefill,
        double firstToken,
        double decode,
        long kv,
        long index,
        Traffic.Bounded bounded,
        Map<String, String> methods,
        List<List<Passages.Read>> readings) {

    /** One line for people. */
    String statistics() {
        StringBuilder line = new StringBuilder();
        line.append("read ").append(prompt - cached).append(" tokens in ").append(Units.seconds(prefill));
        line.append(" (").append(Units.rate((prompt - cached) / prefill)).append(" tokens/s)");
        if (cached > 0) {
            line.append(" after ").append(cached).append(" known ones");
        }
        line.append(", first token after ").append(Units.seconds(firstToken));
        line.append(", wrote ").append(generated).append(generated == 1 ? " token" : " tokens");
        int further = generated - answers.size();
        if (further > 0) {
            line.append(" in ").append(Units.seconds(decode));
            line.append(" (").append(Units.rate(further / decode)).append(" tokens/s)");
        }
        line.append(", cache ").append(Units.bytes(kv)).append(' ').append(methods.getOrDefault("kv", ""));
        if (reasons.contains(FinishReason.LENGTH)) {
            line.append(", stopped by length");
        }
        return line.toString();
    }

    /**
     * The members of the object that say what came of it.
     *
     * @param several whether the user asked for a number of answers
     */
    Map<String, Object> answerMembers(boolean several) {
        Map<String, Object> object = new LinkedHashMap<>();
        object.put("answer", answers.getFirst());
        List<String> names = reasons.stream()
                .map(reason -> reason.name().toLowerCase(Locale.ROOT))
                .toList();
        if (several) {
            object.put("answers", answers);
            object.put("finishReason", names);
        } else {
            object.put("finishReason", names.getFirst());
        }
        if (thinking.stream().anyMatch(text -> !text.isEmpty())) {
            object.put("thinking", several ? thinking : thinking.getFirst());
        }
        if (!readings.isEmpty()) {
            List<List<Map<String, Object>>> members = readings.stream()
                    .map(reading -> reading.stream().map(Passages.Read::members).toList())
                    .toList();
            object.put("reading", several ? members : members.getFirst());
        }
        return object;
    }
}
