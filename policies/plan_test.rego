package countersign.plan_test

test_placeholder if true
