"""The reader's training: examples, network, loop and export; what answers is `answering.reader`."""
