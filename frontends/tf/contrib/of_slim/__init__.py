"""What ``tf.contrib.slim`` has beside the functions of ``tf.contrib.layers`` and
``tf.contrib.framework``, which are aliases there."""
