package countersign.destruction_test

test_placeholder if true
