package dev.lectern.weights;

import java.util.List;

/** What a reader found: checked, and still in the mapped bytes. Names of tensors are unique. */
record ModelContents(String format, Metadata metadata, List<StoredTensor> tensors) {}
