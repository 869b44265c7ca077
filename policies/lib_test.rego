package countersign.lib_test

import data.countersign.lib

test_a_label_names_kind_and_place if {
	lib.label({"resource": {"kind": "Deployment", "namespace": "shop", "name": "web"}}) == "Deployment shop/web"
	lib.label({"resource": {"kind": "Namespace", "namespace": "", "name": "shop"}}) == "Namespace shop"
}

test_a_replacement_removes if {
	lib.removes({"actions": ["delete"]})
	lib.removes({"actions": ["delete", "create"]})
	not lib.removes({"actions": ["create"]})
	not lib.removes({"actions": []})
}
