"""`make trace`: what the trace rings of a run held, as a timeline."""
