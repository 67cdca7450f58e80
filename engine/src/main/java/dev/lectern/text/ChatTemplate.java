package dev.lectern.text;

import java.util.Optional;

public final class ChatTemplate {
    private ChatTemplate() {}

    public static Optional<ChatTemplate> fromMetadata(dev.lectern.weights.Metadata m) {
        return Optional.empty();
    }

    public static Optional<ChatTemplate> fromFolder(java.nio.file.Path p) {
        return Optional.empty();
    }
}
