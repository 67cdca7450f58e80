package dev.lectern.text;

import dev.lectern.LecternException;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * One message of a conversation.
 *
 * @param role {@code system}, {@code user}, {@code assistant} or {@code tool}
 * @param parts the content, cut where its tokens shall not depend on what follows: documents first, then the question
 * @param reasoning what an assistant thought before it answered, where that is known
 * @param more further fields that a template may read ({@code tool_calls}, {@code tool_call_id}, {@code name}), as JSON values
 */
public record ChatMessage(
        String role, List<String> parts, Optional<String> reasoning, Map<String, ? extends @Nullable Object> more) {
    /** Checks the role: templates print it beside their special tokens, so it may not imitate one. */
    public ChatMessage {
        if (role.isEmpty()
                || !role.chars().allMatch(c -> c == '_' || c == '-' || (c < 128 && Character.isLetterOrDigit(c)))) {
            throw new LecternException(
                    LecternException.Kind.BAD_OPTION,
                    "The role of a message consists of letters, digits, \"-\" and \"_\" (\"user\"), unlike \""
                            + role.substring(0, Math.min(40, role.length())) + "\".");
        }
        parts = List.copyOf(parts);
    }

    /** A message with one part. */
    public ChatMessage(String role, String content) {
        this(role, List.of(content), Optional.empty(), Map.of());
    }

    /** The same message, with what the assistant thought. */
    public ChatMessage withReasoning(String thought) {
        return new ChatMessage(role, parts, Optional.of(thought), more);
    }

    /** The whole content: its parts one after the other. */
    public String content() {
        return String.join("", parts);
    }
}
