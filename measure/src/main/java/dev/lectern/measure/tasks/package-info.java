/** Questions with known answers, about texts of any length: what long-context methods are judged by. */
@NullMarked
package dev.lectern.measure.tasks;

import org.jspecify.annotations.NullMarked;
