"""The tests of Segue; folders are kinds of tests, file names are features."""
