"""tf.image: colours, sizes, boxes, measures of pictures."""
