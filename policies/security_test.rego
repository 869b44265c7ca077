package countersign.security_test

test_placeholder if true
