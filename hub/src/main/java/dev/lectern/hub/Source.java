package dev.lectern.hub;

import java.util.List;

/** A place that has the very bytes of a catalogue entry. */
public sealed interface Source {
    /** What the source is called in a sentence and in a pull record. */
    String label();

    /**
     * A file in a repository of Hugging Face, or of whatever stands behind {@code HF_ENDPOINT}.
     *
     * @param repository {@code owner/name}
     * @param revision a branch or commit
     * @param file its path in the repository
     */
    record HuggingFaceFile(String repository, String revision, String file) implements Source {
        @Override
        public String label() {
            return "Hugging Face (" + repository + ", " + file + ")";
        }
    }

    /**
     * Files inside Python packages, which the user's own pip fetches.
     *
     * @param parts what stands one after the other in the model's file
     */
    record Packages(List<Part> parts) implements Source {
        public Packages {
            parts = List.copyOf(parts);
        }

        @Override
        public String label() {
            String first = parts.getFirst().requirement();
            return parts.size() == 1
                    ? "the Python package " + first
                    : "the Python packages " + first + " to " + parts.getLast().requirement();
        }
    }

    /**
     * One package.
     *
     * @param requirement {@code name==version}
     * @param file the path of the wanted file inside the wheel
     * @param bytes its size, unpacked
     */
    record Part(String requirement, String file, long bytes) {}
}
