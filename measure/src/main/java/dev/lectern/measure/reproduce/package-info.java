/** What is published in {@code docs}: every figure and table, measured anew by one command, and written from result files alone. */
@NullMarked
package dev.lectern.measure.reproduce;

import org.jspecify.annotations.NullMarked;
