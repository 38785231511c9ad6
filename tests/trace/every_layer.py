"""One of (nearly) every layer of Keras, with an input that it takes: what is true of all of them is tried on these."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import keras
from keras import layers

Shape = tuple[int | None, ...]
IMAGE, SERIES, TABLE, VOLUME, FILM = (
    (None, 16, 16, 4),
    (None, 12, 6),
    (None, 8),
    (None, 8, 8, 8, 2),
    (None, 5, 16, 16, 4),
)

ONE_INPUT: Mapping[str, tuple[Callable[[], Any], Shape]] = {
    "Activation": (lambda: layers.Activation("relu"), TABLE),
    "ActivityRegularization": (lambda: layers.ActivityRegularization(0.1), TABLE),
    "AlphaDropout": (lambda: layers.AlphaDropout(0.1), TABLE),
    "AveragePooling1D": (lambda: layers.AveragePooling1D(2), SERIES),
    "AveragePooling2D": (lambda: layers.AveragePooling2D((2, 1), padding="same"), IMAGE),
    "BatchNormalization": (layers.BatchNormalization, IMAGE),
    "Bidirectional GRU": (lambda: layers.Bidirectional(layers.GRU(3, return_sequences=True)), SERIES),
    "Bidirectional sum": (lambda: layers.Bidirectional(layers.LSTM(3), merge_mode="sum"), SERIES),
    "CategoryEncoding": (lambda: layers.CategoryEncoding(9, output_mode="multi_hot"), (None, 3)),
    "CenterCrop": (lambda: layers.CenterCrop(8, 9), IMAGE),
    "Conv1D": (lambda: layers.Conv1D(5, 3, padding="causal"), SERIES),
    "Conv1DTranspose": (lambda: layers.Conv1DTranspose(5, 3, strides=2), SERIES),
    "Conv2D": (lambda: layers.Conv2D(5, (3, 2), strides=2, activation="gelu", kernel_regularizer="l2"), IMAGE),
    "Conv2D groups": (lambda: layers.Conv2D(8, 3, groups=2, use_bias=False, kernel_constraint="max_norm"), IMAGE),
    "Conv2DTranspose": (lambda: layers.Conv2DTranspose(5, 3, strides=2, padding="same"), IMAGE),
    "Conv3D": (lambda: layers.Conv3D(3, 2), VOLUME),
    "ConvLSTM2D": (lambda: layers.ConvLSTM2D(3, 3, return_sequences=True), FILM),
    "Cropping1D": (lambda: layers.Cropping1D((1, 2)), SERIES),
    "Cropping2D": (lambda: layers.Cropping2D(((1, 2), (0, 1))), IMAGE),
    "Dense": (lambda: layers.Dense(7, activation="softmax"), TABLE),
    "Dense on a series": (lambda: layers.Dense(7, use_bias=False), SERIES),
    "Dense of halves": (lambda: layers.Dense(7, dtype="float16"), TABLE),
    "Dense with a function": (lambda: layers.Dense(7, activation=keras.activations.swish), TABLE),
    "DepthwiseConv2D": (lambda: layers.DepthwiseConv2D(3, depth_multiplier=2), IMAGE),
    "Discretization": (lambda: layers.Discretization(bin_boundaries=[0.0, 1.0]), TABLE),
    "Dropout": (lambda: layers.Dropout(0.5, seed=3), TABLE),
    "EinsumDense": (lambda: layers.EinsumDense("abc,cd->abd", output_shape=(None, 5), bias_axes="d"), SERIES),
    "ELU": (layers.ELU, TABLE),
    "Embedding": (lambda: layers.Embedding(100, 5, mask_zero=True), (None, 9)),
    "Flatten": (layers.Flatten, IMAGE),
    "GaussianNoise": (lambda: layers.GaussianNoise(0.1), TABLE),
    "GlobalAveragePooling2D": (lambda: layers.GlobalAveragePooling2D(keepdims=True), IMAGE),
    "GlobalMaxPooling1D": (layers.GlobalMaxPooling1D, SERIES),
    "GroupNormalization": (lambda: layers.GroupNormalization(2), IMAGE),
    "GRU": (lambda: layers.GRU(5, reset_after=False), SERIES),
    "Identity": (layers.Identity, TABLE),
    "LayerNormalization": (lambda: layers.LayerNormalization(axis=(1, 2)), IMAGE),
    "LeakyReLU": (lambda: layers.LeakyReLU(0.2), TABLE),
    "LSTM": (lambda: layers.LSTM(5, return_sequences=True, go_backwards=True), SERIES),
    "LSTM with states": (lambda: layers.LSTM(5, return_state=True), SERIES),
    "Masking": (layers.Masking, SERIES),
    "MaxPooling2D": (layers.MaxPooling2D, IMAGE),
    "MaxPooling3D": (lambda: layers.MaxPooling3D(2), VOLUME),
    "Normalization, adapted": (lambda: layers.Normalization(mean=0.0, variance=1.0), TABLE),
    "Permute": (lambda: layers.Permute((2, 1)), SERIES),
    "PReLU": (lambda: layers.PReLU(shared_axes=[1]), SERIES),
    "RandomFlip": (layers.RandomFlip, IMAGE),
    "RandomZoom": (lambda: layers.RandomZoom(0.1), IMAGE),
    "ReLU": (lambda: layers.ReLU(6.0), TABLE),
    "RepeatVector": (lambda: layers.RepeatVector(4), TABLE),
    "Rescaling": (lambda: layers.Rescaling(1 / 255), IMAGE),
    "Reshape": (lambda: layers.Reshape((4, -1)), TABLE),
    "Resizing": (lambda: layers.Resizing(20, 21), IMAGE),
    "RNN of a cell": (lambda: layers.RNN(layers.LSTMCell(3), return_sequences=True), SERIES),
    "RNN of cells": (lambda: layers.RNN([layers.GRUCell(3), layers.GRUCell(4)]), SERIES),
    "SeparableConv2D": (lambda: layers.SeparableConv2D(5, 3, dilation_rate=2), IMAGE),
    "SimpleRNN": (lambda: layers.SimpleRNN(5), SERIES),
    "Softmax": (lambda: layers.Softmax(axis=1), SERIES),
    "SpatialDropout2D": (lambda: layers.SpatialDropout2D(0.1), IMAGE),
    "SpectralNormalization": (lambda: layers.SpectralNormalization(layers.Dense(3)), TABLE),
    "TimeDistributed": (lambda: layers.TimeDistributed(layers.Conv2D(3, 3)), FILM),
    "UnitNormalization": (layers.UnitNormalization, TABLE),
    "UpSampling2D": (lambda: layers.UpSampling2D((2, 3)), IMAGE),
    "ZeroPadding2D": (lambda: layers.ZeroPadding2D(((1, 0), (2, 0))), IMAGE),
}

#: Layers that take several tensors, by the shapes of all of them.
SEVERAL_INPUTS: Mapping[str, tuple[Callable[[], Any], tuple[Shape, ...]]] = {
    "Add": (layers.Add, (TABLE, TABLE)),
    "Attention": (lambda: layers.Attention(use_scale=True), (SERIES, (None, 9, 6))),
    "Concatenate": (lambda: layers.Concatenate(axis=1), (SERIES, (None, 9, 6))),
    "Dot": (lambda: layers.Dot(axes=(2, 2)), (SERIES, SERIES)),
}
