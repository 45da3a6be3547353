"""One table for every TF1 name that is another name for something.

TF1 moved names between 0.x and 1.15, and gave many of them two or three addresses.  A row says a
module and its names; ``name=place`` where the place is not the top-level name of the same spelling.
A place ``module:name`` is a Python module's (``module:`` itself); one that begins with a dot is of
:mod:`frontends.tf`, where ``.older`` holds what took its arguments in another order.  A place need
not be provided: then its error is raised.
"""

from __future__ import annotations

from functools import cache

from frontends.tf.names.recurrent import RECURRENT, RECURRENT_PLACES

ALIASES: dict[str, str] = {
    # 0.x: names that changed
    "": (
        "sub=subtract mul=multiply neg=negative inv=reciprocal floor_div=floordiv "
        "pack=stack unpack=unstack lin_space=linspace concat_v2=concat reverse_v2=reverse "
        "select=.names.older:select listdiff=.names.older:listdiff "
        "batch_matmul=.names.older:batch_matmul "
        "complex_abs=abs op_scope=.names.older:op_scope "
        "initialize_all_variables=global_variables_initializer all_variables=global_variables "
        "initialize_variables=variables_initializer "
        "initialize_local_variables=local_variables_initializer "
        "batch_cholesky=cholesky batch_cholesky_solve=cholesky_solve "
        "batch_matrix_band_part=matrix_band_part batch_matrix_diag=matrix_diag "
        "batch_matrix_diag_part=matrix_diag_part batch_matrix_set_diag=matrix_set_diag "
        "batch_matrix_determinant=matrix_determinant batch_matrix_inverse=matrix_inverse "
        "batch_matrix_solve=matrix_solve batch_matrix_solve_ls=matrix_solve_ls "
        "batch_matrix_transpose=matrix_transpose "
        "batch_matrix_triangular_solve=matrix_triangular_solve "
        "batch_self_adjoint_eig=self_adjoint_eig batch_self_adjoint_eigvals=self_adjoint_eigvals "
        "batch_svd=svd batch_fft=fft batch_ifft=ifft batch_fft2d=fft2d batch_ifft2d=ifft2d "
        "batch_fft3d=fft3d batch_ifft3d=ifft3d "
        "where_v2=.names.older:where_v2 "
        "OpError=errors.OpError Event=summary.Event Summary=summary.Summary "
        "SessionLog=summary.SessionLog NoGradient=NotDifferentiable "
        "tensor_scatter_add=tensor_scatter_nd_add tensor_scatter_sub=tensor_scatter_nd_sub "
        "tensor_scatter_update=tensor_scatter_nd_update "
        "arg_max=.names.older:arg_max arg_min=.names.older:arg_min "
        "dimension_value=compat.dimension_value dimension_at_index=compat.dimension_at_index"
    ),
    "train": ("SummaryWriter=summary.FileWriter piecewise_constant_decay=train.piecewise_constant"),
    "nn": (
        "dynamic_rnn=.rnn.networks:dynamic_rnn static_rnn=.rnn.networks:static_rnn "
        "raw_rnn=.rnn.raw:raw_rnn "
        "bidirectional_dynamic_rnn=.rnn.networks:bidirectional_dynamic_rnn "
        "static_bidirectional_rnn=.rnn.networks:static_bidirectional_rnn "
        # 0.x
        "static_state_saving_rnn=.rnn.saving:static_state_saving_rnn "
        "state_saving_rnn=.rnn.saving:static_state_saving_rnn "
        "rnn=.rnn.networks:static_rnn bidirectional_rnn=.rnn.networks:static_bidirectional_rnn "
        "all_candidate_sampler=.networks.candidate_sampling:all_candidate_sampler "
        "compute_accidental_hits=.networks.candidate_sampling:compute_accidental_hits "
        "fixed_unigram_candidate_sampler=.networks.candidate_sampling:"
        "fixed_unigram_candidate_sampler "
        "learned_unigram_candidate_sampler=.networks.candidate_sampling:"
        "learned_unigram_candidate_sampler "
        "log_uniform_candidate_sampler=.networks.candidate_sampling:"
        "log_uniform_candidate_sampler "
        "nce_loss=.networks.candidate_sampling:nce_loss "
        "sampled_softmax_loss=.networks.candidate_sampling:sampled_softmax_loss "
        "uniform_candidate_sampler=.networks.candidate_sampling:uniform_candidate_sampler "
        "collapse_repeated=.networks.ctc:collapse_repeated "
        "ctc_beam_search_decoder=.networks.ctc:ctc_beam_search_decoder "
        "ctc_beam_search_decoder_v2=.networks.ctc:ctc_beam_search_decoder_v2 "
        "ctc_greedy_decoder=.networks.ctc:ctc_greedy_decoder "
        "ctc_loss=.networks.ctc:ctc_loss ctc_loss_v2=.networks.ctc:ctc_loss_v2 "
        "ctc_unique_labels=.networks.ctc:ctc_unique_labels "
        "embedding_lookup=.networks.embedding:embedding_lookup "
        "embedding_lookup_sparse=.networks.embedding:embedding_lookup_sparse "
        "safe_embedding_lookup_sparse=.networks.embedding:safe_embedding_lookup_sparse "
        "in_top_k=.functions.ordering:in_top_k top_k=.functions.ordering:top_k silu=nn.swish "
        "atrous_conv2d=.functions.convolution:atrous_conv2d "
        "atrous_conv2d_transpose=.functions.convolution:atrous_conv2d_transpose "
        "conv1d=.functions.convolution:conv1d "
        "conv1d_transpose=.functions.convolution:conv1d_transpose "
        "conv2d=.functions.convolution:conv2d "
        "conv2d_backprop_filter=.functions.convolution:conv2d_backprop_filter "
        "conv2d_backprop_input=.functions.convolution:conv2d_backprop_input "
        "conv2d_transpose=.functions.convolution:conv2d_transpose "
        "conv3d=.functions.convolution:conv3d "
        "conv3d_backprop_filter=.functions.convolution:conv3d_backprop_filter "
        "conv3d_transpose=.functions.convolution:conv3d_transpose "
        "conv_transpose=.functions.convolution:conv_transpose "
        "convolution=.functions.convolution:convolution "
        "depthwise_conv2d=.functions.convolution:depthwise_conv2d "
        "depthwise_conv2d_native=.functions.convolution:depthwise_conv2d_native "
        "depthwise_conv2d_native_backprop_filter=.functions.convolution:"
        "depthwise_conv2d_native_backprop_filter "
        "depthwise_conv2d_native_backprop_input=.functions.convolution:"
        "depthwise_conv2d_native_backprop_input "
        "separable_conv2d=.functions.convolution:separable_conv2d "
        "conv3d_backprop_filter_v2=nn.conv3d_backprop_filter deconv2d=nn.conv2d_transpose "
        "depthwise_conv2d_backprop_filter=nn.depthwise_conv2d_native_backprop_filter "
        "depthwise_conv2d_backprop_input=nn.depthwise_conv2d_native_backprop_input "
        "dilation2d=.functions.morphology:dilation2d erosion2d=.functions.morphology:erosion2d "
        "local_response_normalization=.networks.normalization:lrn "
        "lrn=.networks.normalization:lrn "
        "fused_batch_norm=.networks.normalization:fused_batch_norm "
        "scale_regularization_loss=.networks.normalization:scale_regularization_loss "
        "compute_average_loss=.networks.normalization:compute_average_loss "
        "space_to_depth depth_to_space space_to_batch "
        "batch_to_space weighted_moments=.functions.moments:weighted_moments "
        "sufficient_statistics=.functions.moments:sufficient_statistics "
        "normalize_moments=.functions.moments:normalize_moments "
        "avg_pool=.functions.pooling:avg_pool avg_pool1d=.functions.pooling:avg_pool1d "
        "avg_pool2d=.functions.pooling:avg_pool2d avg_pool3d=.functions.pooling:avg_pool3d "
        "avg_pool_v2=.functions.pooling:avg_pool_v2 max_pool=.functions.pooling:max_pool "
        "max_pool1d=.functions.pooling:max_pool1d max_pool2d=.functions.pooling:max_pool2d "
        "max_pool3d=.functions.pooling:max_pool3d max_pool_v2=.functions.pooling:max_pool_v2 "
        "max_pool_with_argmax=.functions.pooling:max_pool_with_argmax pool=.functions.pooling:pool "
        "batch_norm_with_global_normalization=.names.older:batch_norm_with_global_normalization"
    ),
    # 1.x: the same things, sorted into modules
    "math": (
        "abs accumulate_n acos acosh add add_n angle argmax argmin asin asinh atan atan2 atanh "
        "betainc bincount ceil confusion_matrix conj cos cosh count_nonzero cumprod cumsum digamma "
        "divide divide_no_nan=div_no_nan equal erf erfc exp expm1 floor floordiv floormod greater "
        "greater_equal igamma igammac imag in_top_k=nn.in_top_k invert_permutation is_finite "
        "is_inf is_nan is_non_decreasing is_strictly_increasing l2_normalize=nn.l2_normalize lbeta "
        "less less_equal lgamma log log1p log_sigmoid log_softmax=nn.log_softmax logical_and "
        "logical_not logical_or logical_xor maximum minimum mod=floormod multiply negative "
        "not_equal polygamma pow real reciprocal reduce_all reduce_any reduce_logsumexp reduce_max "
        "reduce_mean reduce_min reduce_prod reduce_sum rint round rsqrt scalar_mul segment_max "
        "segment_mean segment_min segment_prod segment_sum sigmoid sign sin sinh "
        "softmax=nn.softmax softplus=nn.softplus softsign=nn.softsign sqrt square "
        "squared_difference subtract tan tanh top_k=nn.top_k truediv unsorted_segment_max "
        "unsorted_segment_mean unsorted_segment_min unsorted_segment_prod unsorted_segment_sqrt_n "
        "unsorted_segment_sum zero_fraction=nn.zero_fraction zeta "
        "reduce_euclidean_norm=.functions.norms:reduce_euclidean_norm "
        "cumulative_logsumexp=.functions.cumulative:cumulative_logsumexp"
    ),
    "linalg": (
        "band_part=matrix_band_part cholesky cholesky_solve cross det=matrix_determinant "
        "diag=matrix_diag diag_part=matrix_diag_part eigh=self_adjoint_eig "
        "eigvalsh=self_adjoint_eigvals einsum eye global_norm inv=matrix_inverse "
        "l2_normalize=nn.l2_normalize lstsq=matrix_solve_ls matmul matrix_transpose norm qr "
        "set_diag=matrix_set_diag solve=matrix_solve sqrtm=matrix_square_root svd tensor_diag=diag "
        "tensor_diag_part=diag_part tensordot trace transpose=matrix_transpose "
        "triangular_solve=matrix_triangular_solve"
    ),
    "random": (
        "gamma=random_gamma get_seed multinomial normal=random_normal poisson=random_poisson "
        "set_random_seed shuffle=random_shuffle truncated_normal "
        "uniform=random_uniform "
        "all_candidate_sampler=nn.all_candidate_sampler "
        "fixed_unigram_candidate_sampler=nn.fixed_unigram_candidate_sampler "
        "learned_unigram_candidate_sampler=nn.learned_unigram_candidate_sampler "
        "log_uniform_candidate_sampler=nn.log_uniform_candidate_sampler "
        "uniform_candidate_sampler=nn.uniform_candidate_sampler"
    ),
    "strings": (
        "as_string join=string_join reduce_join regex_full_match=.functions.strings:"
        "regex_full_match regex_replace strip=string_strip substr "
        "to_hash_bucket=string_to_hash_bucket to_hash_bucket_fast=string_to_hash_bucket_fast "
        "to_hash_bucket_strong=string_to_hash_bucket_strong to_number=string_to_number "
        "format=.functions.strings:format length=.functions.strings:length "
        "lower=.functions.strings:lower split=.functions.strings:split "
        "upper=.functions.strings:upper"
    ),
    "debugging": (
        "Assert assert_all_finite=verify_tensor_all_finite assert_equal assert_greater "
        "assert_greater_equal assert_integer assert_less assert_less_equal assert_near "
        "assert_negative assert_non_negative assert_non_positive assert_none_equal assert_positive "
        "assert_proper_iterable assert_rank assert_rank_at_least assert_rank_in "
        "assert_same_float_dtype assert_scalar assert_shapes=.functions.assertions:assert_shapes "
        "assert_type check_numerics is_finite is_inf is_nan is_non_decreasing is_numeric_tensor "
        "is_strictly_increasing"
    ),
    "dtypes": (
        "DType as_dtype as_string bfloat16 bool cast complex complex128 complex64 double float16 "
        "float32 float64 half int16 int32 int64 int8 saturate_cast string uint16 uint32 uint64 "
        "uint8"
    ),
    "manip": "batch_to_space_nd gather_nd reshape reverse roll scatter_nd space_to_batch_nd tile",
    "sparse": (
        "from_dense=.functions.sparse_ops:from_dense "
        "expand_dims=.functions.sparse_ops:expand_dims eye=.functions.sparse_ops:eye "
        "SparseTensor add=sparse_add concat=sparse_concat fill_empty_rows=sparse_fill_empty_rows "
        "mask=sparse_mask matmul=sparse_tensor_dense_matmul maximum=sparse_maximum "
        "merge=sparse_merge minimum=sparse_minimum placeholder=sparse_placeholder "
        "reduce_max=sparse_reduce_max reduce_max_sparse=sparse_reduce_max_sparse "
        "reduce_sum=sparse_reduce_sum reduce_sum_sparse=sparse_reduce_sum_sparse "
        "reorder=sparse_reorder reset_shape=sparse_reset_shape reshape=sparse_reshape "
        "retain=sparse_retain segment_mean=sparse_segment_mean "
        "segment_sqrt_n=sparse_segment_sqrt_n segment_sum=sparse_segment_sum slice=sparse_slice "
        "softmax=sparse_softmax sparse_dense_matmul=sparse_tensor_dense_matmul split=sparse_split "
        "to_dense=sparse_tensor_to_dense to_indicator=sparse_to_indicator "
        "transpose=sparse_transpose"
    ),
    "initializers": (
        "constant=constant_initializer global_variables=global_variables_initializer "
        "glorot_normal=glorot_normal_initializer glorot_uniform=glorot_uniform_initializer "
        "identity=identity_initializer local_variables=local_variables_initializer "
        "ones=ones_initializer orthogonal=orthogonal_initializer "
        "random_normal=random_normal_initializer random_uniform=random_uniform_initializer "
        "truncated_normal=truncated_normal_initializer "
        "uniform_unit_scaling=uniform_unit_scaling_initializer variables=variables_initializer "
        "variance_scaling=variance_scaling_initializer zeros=zeros_initializer"
    ),
    "quantization": (
        "dequantize fake_quant_with_min_max_args fake_quant_with_min_max_vars quantize "
        "quantized_concat"
    ),
    "spectral": (
        "dct=signal.dct fft fft2d fft3d idct=signal.idct ifft ifft2d ifft3d irfft=signal.irfft "
        "irfft2d=signal.irfft2d irfft3d=signal.irfft3d rfft=signal.rfft rfft2d=signal.rfft2d "
        "rfft3d=signal.rfft3d"
    ),
    "contrib.signal": (
        "frame=signal.frame hamming_window=signal.hamming_window hann_window=signal.hann_window "
        "inverse_stft=signal.inverse_stft "
        "linear_to_mel_weight_matrix=signal.linear_to_mel_weight_matrix "
        "mfccs_from_log_mel_spectrograms=signal.mfccs_from_log_mel_spectrograms "
        "overlap_and_add=signal.overlap_and_add stft=signal.stft"
    ),
    "io": ("decode_base64 encode_base64 write_graph=train.write_graph"),
    "io.gfile": (
        "GFile=gfile.GFile copy=.names.older:copy exists=.names.older:exists "
        "glob=.names.older:glob "
        "isdir=.names.older:isdir listdir=.names.older:listdir makedirs=.names.older:makedirs "
        "mkdir=.names.older:mkdir remove=.names.older:remove rename=.names.older:rename "
        "rmtree=.names.older:rmtree stat=.names.older:stat walk=.names.older:walk"
    ),
    "graph_util": "import_graph_def",
    "version": "VERSION GIT_VERSION COMPILER_VERSION",
    "summary": "Event=summary.Event",
    # contrib
    "contrib.framework": (
        "assert_global_step=train.assert_global_step create_global_step=train.create_global_step "
        "get_global_step=train.get_global_step "
        "get_or_create_global_step=train.get_or_create_global_step is_tensor "
        "sort argsort assert_same_float_dtype bincount broadcast_to py_func "
        "init_from_checkpoint=train.init_from_checkpoint list_variables=train.list_variables "
        "load_checkpoint=train.load_checkpoint load_variable=train.load_variable nest "
        "assign_from_checkpoint=.train.checkpoint_reader:assign_from_checkpoint "
        "assign_from_checkpoint_fn=.train.checkpoint_reader:assign_from_checkpoint_fn"
    ),
    "contrib.nn": (
        "deprecated_flipped_softmax_cross_entropy_with_logits=.names.older:flipped_softmax "
        "deprecated_flipped_sparse_softmax_cross_entropy_with_logits="
        ".names.older:flipped_sparse_softmax "
        "deprecated_flipped_sigmoid_cross_entropy_with_logits=.names.older:flipped_sigmoid"
    ),
    "contrib.layers": (
        "dense_to_sparse=.functions.sparse_ops:dense_to_sparse "
        "optimize_loss=.contrib.optimize_loss:optimize_loss "
        "OPTIMIZER_CLS_NAMES=.contrib.optimize_loss:OPTIMIZER_CLS_NAMES "
        "OPTIMIZER_SUMMARIES=.contrib.optimize_loss:OPTIMIZER_SUMMARIES "
        "safe_embedding_lookup_sparse=nn.safe_embedding_lookup_sparse"
    ),
    "contrib.layers.python.layers.utils": (
        "append_tensor_alias=.contrib.layers.outputs:append_tensor_alias "
        "channel_dimension=.contrib.layers.outputs:channel_dimension "
        "collect_named_outputs=.contrib.layers.outputs:collect_named_outputs "
        "convert_collection_to_dict=.contrib.layers.outputs:convert_collection_to_dict "
        "gather_tensors_aliases=.contrib.layers.outputs:gather_tensors_aliases "
        "get_tensor_aliases=.contrib.layers.outputs:get_tensor_aliases "
        "last_dimension=.contrib.layers.outputs:last_dimension "
        "n_positive_integers=.contrib.layers.outputs:n_positive_integers "
        "two_element_tuple=.contrib.layers.outputs:two_element_tuple"
    ),
    **RECURRENT,
    "contrib.slim.learning": (
        "add_gradients_summaries=contrib.training.add_gradients_summaries "
        "clip_gradient_norms=contrib.training.clip_gradient_norms "
        "create_train_op=.contrib.of_slim.learning:create_train_op "
        "multiply_gradients=contrib.training.multiply_gradients"
    ),
    "contrib.slim.model_analyzer": (
        "analyze_ops=.contrib.of_slim.model_analyzer:analyze_ops "
        "analyze_vars=.contrib.of_slim.model_analyzer:analyze_vars"
    ),
    "contrib.slim.nets.inception": (
        "inception_v3=.contrib.of_slim.nets.inception:inception_v3 "
        "inception_v3_arg_scope=.contrib.of_slim.nets.inception:inception_v3_arg_scope "
        "inception_v3_base=.contrib.of_slim.nets.inception:inception_v3_base"
    ),
    "contrib.slim.nets.resnet_utils": (
        "Block=.contrib.of_slim.nets.resnet_utils:Block "
        "conv2d_same=.contrib.of_slim.nets.resnet_utils:conv2d_same "
        "resnet_arg_scope=.contrib.of_slim.nets.resnet_utils:resnet_arg_scope "
        "stack_blocks_dense=.contrib.of_slim.nets.resnet_utils:stack_blocks_dense "
        "subsample=.contrib.of_slim.nets.resnet_utils:subsample"
    ),
    "contrib.slim.nets.resnet_v1": (
        "bottleneck=.contrib.of_slim.nets.resnets:bottleneck_v1 "
        "resnet_arg_scope=.contrib.of_slim.nets.resnet_utils:resnet_arg_scope "
        "resnet_v1=.contrib.of_slim.nets.resnets:resnet_v1 "
        "resnet_v1_block=.contrib.of_slim.nets.resnets:resnet_v1_block "
        "resnet_v1_101=.contrib.of_slim.nets.resnets:resnet_v1_101 "
        "resnet_v1_152=.contrib.of_slim.nets.resnets:resnet_v1_152 "
        "resnet_v1_200=.contrib.of_slim.nets.resnets:resnet_v1_200 "
        "resnet_v1_50=.contrib.of_slim.nets.resnets:resnet_v1_50"
    ),
    "contrib.slim.nets.resnet_v2": (
        "bottleneck=.contrib.of_slim.nets.resnets:bottleneck_v2 "
        "resnet_arg_scope=.contrib.of_slim.nets.resnet_utils:resnet_arg_scope "
        "resnet_v2=.contrib.of_slim.nets.resnets:resnet_v2 "
        "resnet_v2_block=.contrib.of_slim.nets.resnets:resnet_v2_block "
        "resnet_v2_101=.contrib.of_slim.nets.resnets:resnet_v2_101 "
        "resnet_v2_152=.contrib.of_slim.nets.resnets:resnet_v2_152 "
        "resnet_v2_200=.contrib.of_slim.nets.resnets:resnet_v2_200 "
        "resnet_v2_50=.contrib.of_slim.nets.resnets:resnet_v2_50"
    ),
    "contrib.slim.nets.vgg": (
        "vgg_16=.contrib.of_slim.nets.vgg:vgg_16 vgg_19=.contrib.of_slim.nets.vgg:vgg_19 "
        "vgg_a=.contrib.of_slim.nets.vgg:vgg_a "
        "vgg_arg_scope=.contrib.of_slim.nets.vgg:vgg_arg_scope"
    ),
    "contrib.slim.summaries": (
        "add_histogram_summaries=.contrib.of_slim.summaries:add_histogram_summaries "
        "add_histogram_summary=.contrib.of_slim.summaries:add_histogram_summary "
        "add_image_summaries=.contrib.of_slim.summaries:add_image_summaries "
        "add_image_summary=.contrib.of_slim.summaries:add_image_summary "
        "add_scalar_summaries=.contrib.of_slim.summaries:add_scalar_summaries "
        "add_scalar_summary=.contrib.of_slim.summaries:add_scalar_summary "
        "add_zero_fraction_summary=.contrib.of_slim.summaries:add_zero_fraction_summary"
    ),
    "keras.constraints": (
        "Constraint=.variables.constraints:Constraint MaxNorm=.variables.constraints:MaxNorm "
        "MinMaxNorm=.variables.constraints:MinMaxNorm NonNeg=.variables.constraints:NonNeg "
        "UnitNorm=.variables.constraints:UnitNorm max_norm=.variables.constraints:max_norm "
        "min_max_norm=.variables.constraints:min_max_norm "
        "non_neg=.variables.constraints:non_neg unit_norm=.variables.constraints:unit_norm"
    ),
    "contrib.training": (
        "add_gradients_summaries=.contrib.training:add_gradients_summaries "
        "clip_gradient_norms=.contrib.training:clip_gradient_norms "
        "clip_gradient_norms_fn=.contrib.training:clip_gradient_norms_fn "
        "create_train_op=.contrib.training:create_train_op "
        "multiply_gradients=.contrib.training:multiply_gradients"
    ),
    "contrib.deprecated": (
        "scalar_summary histogram_summary image_summary audio_summary merge_summary "
        "merge_all_summaries"
    ),
    "contrib.util": (
        "constant_value=get_static_value make_ndarray=make_ndarray "
        "make_tensor_proto=make_tensor_proto"
    ),
    "contrib.losses.metric_learning": (
        "contrastive_loss=.contrib.metric_learning:contrastive_loss "
        "npairs_loss=.contrib.metric_learning:npairs_loss "
        "triplet_semihard_loss=.contrib.metric_learning:triplet_semihard_loss"
    ),
    "contrib.losses": (
        "absolute_difference=.names.older:contrib_absolute_difference add_loss=losses.add_loss "
        "compute_weighted_loss=losses.compute_weighted_loss "
        "cosine_distance=.names.older:contrib_cosine_distance get_losses=losses.get_losses "
        "get_regularization_losses=losses.get_regularization_losses "
        "get_total_loss=losses.get_total_loss hinge_loss=.names.older:contrib_hinge_loss "
        "log_loss=.names.older:contrib_log_loss "
        "mean_squared_error=.names.older:contrib_mean_squared_error "
        "mean_pairwise_squared_error=.names.older:contrib_mean_pairwise_squared_error "
        "sigmoid_cross_entropy=.names.older:contrib_sigmoid_cross_entropy "
        "softmax_cross_entropy=.names.older:contrib_softmax_cross_entropy "
        "sparse_softmax_cross_entropy=.names.older:contrib_sparse_softmax_cross_entropy"
    ),
    "keras.initializers": (
        "Initializer=frontends.tf.variables.initializers:Initializer "
        "Zeros=frontends.tf.variables.initializers:Zeros "
        "Ones=frontends.tf.variables.initializers:Ones "
        "Constant=frontends.tf.variables.initializers:Constant "
        "Identity=frontends.tf.variables.initializers:Identity "
        "Orthogonal=frontends.tf.variables.initializers:Orthogonal "
        "VarianceScaling=frontends.tf.variables.initializers:VarianceScaling "
        "RandomNormal=frontends.tf.variables.initializers:KerasNormal "
        "RandomUniform=frontends.tf.variables.initializers:KerasUniform "
        "TruncatedNormal=frontends.tf.variables.initializers:KerasTruncatedNormal "
        "zeros=initializers.zeros ones=initializers.ones constant=initializers.constant "
        "identity=initializers.identity orthogonal=initializers.orthogonal "
        "normal=frontends.tf.variables.initializers:KerasNormal "
        "random_normal=frontends.tf.variables.initializers:KerasNormal "
        "uniform=frontends.tf.variables.initializers:KerasUniform "
        "random_uniform=frontends.tf.variables.initializers:KerasUniform "
        "truncated_normal=frontends.tf.variables.initializers:KerasTruncatedNormal "
        "glorot_normal=initializers.glorot_normal glorot_uniform=initializers.glorot_uniform "
        "he_normal=initializers.he_normal he_uniform=initializers.he_uniform "
        "lecun_normal=initializers.lecun_normal lecun_uniform=initializers.lecun_uniform "
        "get=frontends.tf.variables.initializers:named_initializer"
    ),
    "keras.layers": (
        "LocallyConnected1D=.layers.local:LocallyConnected1D "
        "LocallyConnected2D=.layers.local:LocallyConnected2D"
    ),
    "keras.regularizers": (
        "L1L2=frontends.tf.variables.regularizers:L1L2 "
        "Regularizer=frontends.tf.variables.regularizers:Regularizer "
        "get=frontends.tf.variables.regularizers:named_regularizer "
        "l1=frontends.tf.variables.regularizers:l1 "
        "l1_l2=frontends.tf.variables.regularizers:l1_l2 l2=frontends.tf.variables.regularizers:l2"
    ),
    "contrib.tensorboard.plugins": "projector=.summary.projector:",
    # names inside tensorflow.python that scripts reach for
    "python.framework.ops": (
        "convert_n_to_tensor=.names.older:convert_n_to_tensor "
        "internal_convert_to_tensor=convert_to_tensor"
    ),
    "python.framework.tensor_shape": (
        "as_shape=TensorShape unknown_shape=.names.older:unknown_shape"
    ),
    "python.framework.tensor_util": (
        "constant_value=get_static_value make_tensor_proto MakeNdarray=make_ndarray is_tensor"
    ),
    "python.ops.control_flow_ops": (
        "with_dependencies=.names.older:with_dependencies tuple group no_op"
    ),
    "python.ops.variables": (
        "VariableV1=Variable RefVariable=Variable "
        "PartitionedVariable=.variables.partitioned:PartitionedVariable"
    ),
    "python.ops.resources": (
        "shared_resources=.names.older:shared_resources "
        "local_resources=.names.older:local_resources "
        "initialize_resources=.names.older:initialize_resources"
    ),
    "python.ops.variable_v1": "VariableV1=Variable",
    "python.training.moving_averages": (
        "ExponentialMovingAverage=train.ExponentialMovingAverage "
        "assign_moving_average=.train.assigned_averages:assign_moving_average "
        "weighted_moving_average=.train.assigned_averages:weighted_moving_average"
    ),
    "python.client.timeline": "Timeline=.platform.timeline:Timeline",
    "python.client.device_lib": "list_local_devices=.names.older:list_local_devices",
    "python.util.tf_inspect": (
        "getargspec=inspect:getfullargspec getfullargspec=inspect:getfullargspec "
        "isclass=inspect:isclass isfunction=inspect:isfunction ismethod=inspect:ismethod "
        "getmodule=inspect:getmodule getdoc=inspect:getdoc getsource=inspect:getsource "
        "signature=inspect:signature"
    ),
    "python.util.nest": (
        "is_sequence=nest.is_nested is_nested=nest.is_nested flatten=nest.flatten "
        "map_structure=nest.map_structure pack_sequence_as=nest.pack_sequence_as "
        "assert_same_structure=nest.assert_same_structure"
    ),
    "python.layers.utils": "constant_value=get_static_value smart_cond=.names.older:smart_cond",
    "python.lib.io.file_io": (
        "FileIO=gfile.GFile file_exists=gfile.Exists get_matching_files=gfile.Glob "
        "create_dir=gfile.MkDir recursive_create_dir=gfile.MakeDirs delete_file=gfile.Remove "
        "delete_recursively=gfile.DeleteRecursively is_directory=gfile.IsDirectory "
        "list_directory=gfile.ListDirectory copy=gfile.Copy rename=gfile.Rename stat=gfile.Stat "
        "walk=gfile.Walk read_file_to_string=.names.older:read_file_to_string "
        "write_string_to_file=.names.older:write_string_to_file"
    ),
    "python.pywrap_tensorflow": "NewCheckpointReader=train.NewCheckpointReader",
    "core.framework.summary_pb2": "Summary=summary.Summary",
    "core.framework.graph_pb2": "GraphDef",
    "core.framework.node_def_pb2": "NodeDef",
    "core.util.event_pb2": "Event=summary.Event SessionLog=summary.SessionLog",
    "core.framework.tensor_pb2": "TensorProto=.platform.protos:TensorProto",
    "core.framework.attr_value_pb2": "AttrValue",
    "core.framework.step_stats_pb2": "StepStats=.platform.protos:StepStats",
    "core.framework.variable_pb2": "VariableDef=.platform.protos:VariableDef",
    "core.protobuf.rewriter_config_pb2": "RewriterConfig=.platform.config:RewriterConfig",
    "core.protobuf.config_pb2": "ConfigProto GPUOptions GraphOptions RunOptions RunMetadata",
    "core.protobuf.meta_graph_pb2": "MetaGraphDef",
    "core.protobuf.saver_pb2": "SaverDef=train.SaverDef",
}

# Modules of other addresses: their names are looked up in the modules named, in order.
PLACES: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(
        (
            "python.framework.ops", "python.ops.standard_ops",
            "python.ops.variables", "python.framework.constant_op", "python.framework.dtypes",
            "python.framework.tensor_shape", "python.framework.random_seed",
            "python.framework.sparse_tensor", "python.framework.indexed_slices",
            "python.framework.device", "python.framework.tensor_spec", "python.framework.importer",
            "python.ops.variable_scope", "python.ops.control_flow_ops",
            "python.ops.clip_ops", "python.ops.random_ops", "python.ops.state_ops",
            "python.ops.gradients", "python.ops.gradients_impl", "python.ops.logging_ops",
            "python.ops.check_ops", "python.ops.string_ops", "python.ops.parsing_ops",
            "python.ops.data_flow_ops", "python.ops.io_ops", "python.ops.script_ops",
            "python.ops.template", "python.ops.partitioned_variables",
            "python.ops.confusion_matrix", "python.ops.special_math_ops", "python.ops.numerics",
            "python.ops.histogram_ops", "python.ops.sparse_ops", "python.ops.functional_ops",
            "python.ops.tensor_array_ops", "python.ops.custom_gradient",
        ),
        ("",),
    ),
    **dict.fromkeys(("python.ops.math_ops", "python.ops.gen_math_ops"), ("", "math")),
    **dict.fromkeys(("python.ops.array_ops", "python.ops.gen_array_ops"), ("",)),
    **dict.fromkeys(
        (
            "python.ops.nn", "python.ops.nn_ops", "python.ops.nn_impl", "python.ops.gen_nn_ops",
            "python.ops.embedding_ops", "python.ops.candidate_sampling_ops",
        ),
        ("nn", ""),
    ),
    **dict.fromkeys(("python.ops.linalg_ops", "python.ops.linalg.linalg"), ("", "linalg")),
    "python.ops.bitwise_ops": ("bitwise",),
    "python.ops.losses.losses": ("losses",),
    "python.ops.losses.losses_impl": ("losses",),
    "python.ops.manip_ops": ("manip",),
    "python.framework.errors": ("errors",),
    "python.framework.errors_impl": ("errors",),
    "python.framework.graph_util": ("graph_util",),
    "python.framework.graph_util_impl": ("graph_util",),
    "python.framework.graph_io": ("train",),
    "python.framework.test_util": ("test",),
    "python.client.session": ("",),
    "python.platform.app": ("app",),
    "python.platform.flags": ("flags",),
    "python.platform.gfile": ("gfile",),
    "python.platform.googletest": ("test",),
    "python.platform.test": ("test",),
    "python.platform.tf_logging": ("logging",),
    "python.platform.resource_loader": ("resource_loader",),
    **dict.fromkeys(
        (
            "python.training.training", "python.training.saver", "python.training.optimizer",
            "python.training.training_util", "python.training.checkpoint_utils",
            "python.training.checkpoint_management", "python.training.learning_rate_decay",
            "python.training.adam", "python.training.adagrad", "python.training.adadelta",
            "python.training.ftrl", "python.training.momentum", "python.training.rmsprop",
            "python.training.gradient_descent", "python.training.proximal_adagrad",
            "python.training.proximal_gradient_descent",
            "python.training.sync_replicas_optimizer",
        ),
        ("train",),
    ),
    "python.util.compat": ("compat",),
    "python.ops.init_ops": ("", "initializers"),
    **RECURRENT_PLACES,
    "python.layers.base": ("layers",),
    "python.layers.convolutional": ("layers",),
    "python.layers.core": ("layers",),
    "python.layers.layers": ("layers",),
    "python.layers.normalization": ("layers",),
    "python.layers.pooling": ("layers",),
    "python.summary.summary": ("summary",),
    "python.summary.writer.writer": ("summary",),
    "contrib.layers.python.layers": ("contrib.layers",),
    "contrib.layers.python.layers.initializers": ("contrib.layers",),
    "contrib.layers.python.layers.layers": ("contrib.layers",),
    "contrib.layers.python.layers.regularizers": ("contrib.layers",),
    "contrib.framework.python.ops": ("contrib.framework",),
    "contrib.framework.python.ops.variables": ("contrib.framework",),
    "contrib.opt.python.training": ("contrib.opt",),
    "contrib.losses.python.losses": ("contrib.losses",),
    "contrib.slim": ("contrib.layers", "contrib.framework"),
    "contrib.slim.initializers": ("contrib.layers",),
    "contrib.slim.layers": ("contrib.layers",),
    "contrib.slim.losses": ("contrib.losses",),
    "contrib.slim.nets.inception_v3": ("contrib.slim.nets.inception",),
    "contrib.slim.nets.resnet_v2.resnet_utils": ("contrib.slim.nets.resnet_utils",),
    "contrib.slim.python.slim.nets": ("contrib.slim.nets",),
    "contrib.slim.python.slim.nets.inception": ("contrib.slim.nets.inception",),
    "contrib.slim.python.slim.nets.inception_v3": ("contrib.slim.nets.inception",),
    "contrib.slim.python.slim.nets.resnet_utils": ("contrib.slim.nets.resnet_utils",),
    "contrib.slim.python.slim.nets.resnet_v1": ("contrib.slim.nets.resnet_v1",),
    "contrib.slim.python.slim.nets.resnet_v2": ("contrib.slim.nets.resnet_v2",),
    "contrib.slim.python.slim.nets.vgg": ("contrib.slim.nets.vgg",),
    "contrib.slim.regularizers": ("contrib.layers",),
    "contrib.slim.utils": ("contrib.layers.python.layers.utils",),
    "contrib.slim.variables": ("contrib.framework",),
    "contrib.losses.python.losses.loss_ops": ("contrib.losses",),
}  # fmt: skip


@cache
def aliases() -> dict[str, str]:
    """Dotted name: the dotted name it stands for."""
    found = {}
    for module, names in ALIASES.items():
        for word in names.split():
            name, _, place = word.partition("=")
            full = f"{module}.{name}" if module else name
            found[full] = place or name
    return found


@cache
def modules() -> frozenset[str]:
    """The modules that have an alias, or are another address of one, and those they lie in."""
    found: set[str] = set()
    for path in (*ALIASES, *PLACES):
        parts = path.split(".")
        found.update(".".join(parts[: k + 1]) for k in range(len(parts)))
    return frozenset(found - {""})
