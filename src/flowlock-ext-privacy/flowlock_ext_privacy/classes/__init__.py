"""Classes of rows that look alike: how they are found, measured, labelled and ordered."""
