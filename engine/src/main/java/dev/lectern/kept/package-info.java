/**
 * What was read, on a disk: pages of keys and values, the tails of finished readings, indexes of them, and their names, in a folder that several programs may use at once. Knows pages as bytes and
 * nothing of models.
 */
@NullMarked
package dev.lectern.kept;

import org.jspecify.annotations.NullMarked;
