"""For freezing the agent into a firmware: FROZEN_MANIFEST=device/manifest.py."""

package("phonehome_wire", base_path="../shared")  # noqa: F821  # words of the manifest language
package("phonehome")  # noqa: F821
require("umqtt.simple")  # noqa: F821  # only for MQTT
