"""The files of a Mosquitto in front of receivers: who may connect, and what each may say."""
