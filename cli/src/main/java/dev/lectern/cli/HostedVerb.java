package dev.lectern.cli;

/** A verb that several hosts can do together: each rank runs it, with {@link Surroundings#hosts}. */
interface HostedVerb extends Verb {}
