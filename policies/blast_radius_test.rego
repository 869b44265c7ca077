package countersign.blast_radius_test

test_placeholder if true
